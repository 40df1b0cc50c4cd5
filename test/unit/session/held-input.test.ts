import { expect, test } from "vitest";
import { HeldInput, MAX_HELD } from "#server/session/held-input.ts";
import type { InputEvent, PointerInput } from "#shared/input/events.ts";

const key = (type: "keydown" | "keyup", code: string): InputEvent => ({
  type,
  code,
  key: "a",
  repeat: false,
  modifiers: 0,
});

const pointer = (type: PointerInput["type"], buttons: number, pointerId = 1): InputEvent => ({
  type,
  x: 0,
  y: 0,
  button: 0,
  buttons,
  modifiers: 0,
  pointerId,
  pointerType: "mouse",
});

test.for<{ what: string; events: readonly InputEvent[]; isEmpty: boolean }>([
  { what: "nothing", events: [], isEmpty: true },
  { what: "a key", events: [key("keydown", "KeyA")], isEmpty: false },
  {
    what: "a key let go of",
    events: [key("keydown", "KeyA"), key("keyup", "KeyA")],
    isEmpty: true,
  },
  {
    what: "one of two keys let go of",
    events: [key("keydown", "KeyA"), key("keydown", "KeyB"), key("keyup", "KeyA")],
    isEmpty: false,
  },
  { what: "a button", events: [pointer("pointerdown", 1)], isEmpty: false },
  { what: "a move", events: [pointer("pointermove", 0)], isEmpty: true },
  {
    what: "one of two buttons let go of",
    events: [pointer("pointerdown", 3), pointer("pointerup", 2)],
    isEmpty: false,
  },
  {
    what: "both buttons let go of",
    events: [pointer("pointerdown", 3), pointer("pointerup", 0)],
    isEmpty: true,
  },
  {
    what: "one of two touches",
    events: [
      pointer("pointerdown", 1, 1),
      pointer("pointerdown", 1, 2),
      pointer("pointercancel", 0, 1),
    ],
    isEmpty: false,
  },
  {
    what: "all, until the keyboard is lost",
    events: [key("keydown", "KeyA"), pointer("pointerdown", 1), { type: "blur" }],
    isEmpty: true,
  },
])("a viewer that holds $what: $isEmpty", ({ events, isEmpty }) => {
  const held = new HeldInput();
  for (const event of events) held.add(event);
  expect(held.isEmpty).toBe(isEmpty);
});

test(`${MAX_HELD} keys are kept, one more is not, and a viewer that goes is noticed all the same`, () => {
  const held = new HeldInput();
  const codes = Array.from({ length: MAX_HELD + 1 }, (_, at) => `Key${at}`);
  for (const code of codes) held.add(key("keydown", code));
  for (const code of codes.slice(0, MAX_HELD - 1)) held.add(key("keyup", code));
  expect(held.isEmpty).toBe(false);
  held.add(key("keyup", codes[MAX_HELD - 1]!));
  expect(held.isEmpty).toBe(true);
});
