import { once } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { ResumableCarrier } from "#server/ingress/resumable-carrier.ts";
import { KEPT_DOWN_BYTES } from "#shared/link/guest-link.ts";
import { CHUNK_COST_BYTES } from "#shared/link/send-buffer.ts";

let server: WebSocketServer;
let relay: WebSocket;

beforeEach(async () => {
  server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
});

afterEach(() => {
  relay.terminate();
  server.close();
});

/** A carrier whose relay reads everything and acknowledges nothing. */
async function deafCarrier(resumeMs = 60_000) {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("No port.");
  relay = new WebSocket(`ws://127.0.0.1:${address.port}`);
  const [[ws]] = await Promise.all([
    new Promise<[WebSocket]>((resolve) => server.once("connection", (socket) => resolve([socket]))),
    once(relay, "open"),
  ]);
  const events = {
    up: vi.fn<() => boolean>(() => true),
    drained: vi.fn<() => void>(),
    roundTrip: vi.fn<() => void>(),
    away: vi.fn<(reason: string) => void>(),
    back: vi.fn<() => void>(),
    breach: vi.fn<(sentence: string) => void>(),
    ended: vi.fn<(reason: string, orderly: boolean) => void>(),
  };
  const forget = vi.fn<() => void>();
  return {
    carrier: new ResumableCarrier(ws, { id: "id", resumeMs, events, makeRoom: () => {}, forget }),
    events,
    forget,
  };
}

test("what waits for a relay may reach its limit, and not go over it", async () => {
  const { carrier, events } = await deafCarrier();
  const frame = 1 << 20;
  const frames = Math.floor(KEPT_DOWN_BYTES / frame) - 1;
  for (let count = 0; count < frames; count++) carrier.send(new Uint8Array(frame));
  carrier.send(new Uint8Array(KEPT_DOWN_BYTES - carrier.held - 2 * CHUNK_COST_BYTES - 1));
  carrier.send(new Uint8Array(1));
  expect(carrier.held).toBe(KEPT_DOWN_BYTES);
  expect(events.breach).not.toHaveBeenCalled();
  carrier.send(new Uint8Array(1));
  expect(events.breach).toHaveBeenCalledExactlyOnceWith(
    `The relay acknowledges too little: over ${KEPT_DOWN_BYTES} bytes wait for it.`,
  );
  carrier.close(1008, "Too much.", undefined);
});

test("a link that is away takes frames, and is over after its time", async () => {
  const { carrier, events, forget } = await deafCarrier(300);
  relay.terminate();
  await vi.waitUntil(() => carrier.isAway);
  expect(events.away).toHaveBeenCalledExactlyOnceWith("It ended without a close frame.");
  carrier.send(new Uint8Array(5));
  expect(carrier.held).toBe(5 + CHUNK_COST_BYTES);
  await vi.waitUntil(() => events.ended.mock.calls.length > 0);
  expect(events.ended).toHaveBeenCalledExactlyOnceWith(
    "The link broke and did not come back within 0.3 s.",
    false,
  );
  expect(forget).toHaveBeenCalledOnce();
});

test("a link that is closed while it is away is forgotten at once", async () => {
  const { carrier, events, forget } = await deafCarrier();
  relay.terminate();
  await vi.waitUntil(() => carrier.isAway);
  carrier.close(1001, "The gateway is stopping.", undefined);
  expect(forget).toHaveBeenCalledOnce();
  expect(events.ended).not.toHaveBeenCalled();
});
