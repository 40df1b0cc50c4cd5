import { expect, test } from "vitest";
import { InputChannels, MAX_WAITING_MOVE_BYTES } from "#client/viewer/input/channels.ts";
import type { InputEvent, PointerInput } from "#shared/input/events.ts";

type Channel = Parameters<InputChannels["use"]>[1];

const MOVE: PointerInput = {
  type: "pointermove",
  x: 0,
  y: 0,
  button: -1,
  buttons: 0,
  modifiers: 0,
  pointerId: 1,
  pointerType: "mouse",
};
const KEY: InputEvent = { type: "keydown", code: "KeyA", key: "a", repeat: false, modifiers: 0 };

/** A browser's channel in which so many bytes wait, and what it was told to send. */
function channelWith(bufferedAmount: number): { channel: Channel; sent: unknown[] } {
  const sent: unknown[] = [];
  const channel: Channel = Object.assign(Object.create(new EventTarget()), {
    readyState: "open",
    bufferedAmount,
    addEventListener: () => {},
    send: (bytes: unknown) => sent.push(bytes),
  });
  return { channel, sent };
}

test.for<{ what: string; event: InputEvent; waiting: number; isSent: boolean }>([
  { what: "a move", event: MOVE, waiting: 0, isSent: true },
  { what: "a move", event: MOVE, waiting: MAX_WAITING_MOVE_BYTES, isSent: true },
  { what: "a move", event: MOVE, waiting: MAX_WAITING_MOVE_BYTES + 1, isSent: false },
  {
    what: "a move that presses a further button",
    event: { ...MOVE, button: 2, buttons: 3 },
    waiting: MAX_WAITING_MOVE_BYTES + 1,
    isSent: true,
  },
  { what: "a key", event: KEY, waiting: MAX_WAITING_MOVE_BYTES + 1, isSent: true },
])("$what is sent while $waiting bytes wait: $isSent", ({ event, waiting, isSent }) => {
  const input = channelWith(waiting);
  const moves = channelWith(waiting);
  const channels = new InputChannels(() => {});
  channels.use("input", input.channel);
  channels.use("moves", moves.channel);
  channels.send(event);
  expect(input.sent.length + moves.sent.length).toBe(isSent ? 1 : 0);
});
