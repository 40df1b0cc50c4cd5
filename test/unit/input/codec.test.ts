import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeInput,
  encodeInput,
  MAX_DEVICE_PIXEL_RATIO,
  MAX_INPUT_BYTES,
  MAX_KEY_TEXT_BYTES,
  MAX_RESIZE_SIDE,
  MAX_WHEEL_DELTA,
} from "#shared/input/codec.ts";
import type { InputEvent, KeyInput, PointerInput, WheelInput } from "#shared/input/events.ts";
import { ProtocolError } from "#shared/wire/errors.ts";

const pointer: PointerInput = {
  type: "pointerdown",
  x: 0.25,
  y: 0.75,
  button: 0,
  buttons: 1,
  modifiers: 5,
  pointerId: 7,
  pointerType: "mouse",
};
const wheel: WheelInput = { type: "wheel", x: 0, y: 1, deltaX: -3, deltaY: 120, modifiers: 0 };
const key: KeyInput = { type: "keydown", code: "KeyA", key: "ä", repeat: false, modifiers: 2 };
const resize = { type: "resize", width: 1280, height: 720, devicePixelRatio: 1.5 } as const;

const fraction = fc.float({ min: 0, max: 1, noNaN: true });
const delta = fc.float({ min: -MAX_WHEEL_DELTA, max: MAX_WHEEL_DELTA, noNaN: true });
const modifiers = fc.integer({ min: 0, max: 15 });
const keyText = fc
  .string({ unit: "grapheme", maxLength: 8 })
  .filter((text) => Buffer.byteLength(text) <= MAX_KEY_TEXT_BYTES);

const anyEvent: fc.Arbitrary<InputEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom("pointermove", "pointerdown", "pointerup", "pointercancel"),
    x: fraction,
    y: fraction,
    button: fc.integer({ min: -1, max: 15 }),
    buttons: fc.integer({ min: 0, max: 0xffff }),
    modifiers,
    pointerId: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
    pointerType: fc.constantFrom("mouse", "pen", "touch"),
  }),
  fc.record({
    type: fc.constant("wheel"),
    x: fraction,
    y: fraction,
    deltaX: delta,
    deltaY: delta,
    modifiers,
  }),
  fc.record({
    type: fc.constantFrom("keydown", "keyup"),
    code: keyText,
    key: keyText,
    repeat: fc.boolean(),
    modifiers,
  }),
  fc.constant<InputEvent>({ type: "blur" }),
  fc.record({
    type: fc.constant("resize"),
    width: fc.integer({ min: 1, max: MAX_RESIZE_SIDE }),
    height: fc.integer({ min: 1, max: MAX_RESIZE_SIDE }),
    devicePixelRatio: fc.float({ min: 0.5, max: MAX_DEVICE_PIXEL_RATIO, noNaN: true }),
  }),
);

test("every event survives encode and decode", () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const bytes = encodeInput(event);
      expect(bytes.length).toBeLessThanOrEqual(MAX_INPUT_BYTES);
      expect(decodeInput(bytes)).toEqual(event);
    }),
  );
});

test("any bytes decode to an event of as many bytes or are refused with a sentence", () => {
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(
      fc.tuple(fc.integer({ min: 0, max: 10 }), fc.uint8Array({ maxLength: 40 })),
      ([kind, rest]) => {
        const bytes = Uint8Array.of(kind, ...rest);
        const outcome = outcomeOf(bytes);
        outcomes.add(outcome);
        expect(["refused", `${bytes.length} bytes`]).toContain(outcome);
      },
    ),
    { examples: [[[8, new Uint8Array()]], [[0, new Uint8Array()]]] },
  );
  expect([...outcomes]).toEqual(expect.arrayContaining(["refused", "1 bytes"]));
});

function outcomeOf(bytes: Uint8Array): string {
  try {
    return `${encodeInput(decodeInput(bytes)).length} bytes`;
  } catch (error) {
    return error instanceof ProtocolError ? "refused" : String(error);
  }
}

describe("bounds", () => {
  test.for<{ what: string; within: InputEvent; over: InputEvent }>([
    { what: "x", within: { ...pointer, x: 1 }, over: { ...pointer, x: 1.001 } },
    { what: "x below", within: { ...pointer, x: 0 }, over: { ...pointer, x: -0.001 } },
    { what: "y as a number", within: pointer, over: { ...pointer, y: Number.NaN } },
    { what: "button", within: { ...pointer, button: 15 }, over: { ...pointer, button: 16 } },
    { what: "button below", within: { ...pointer, button: -1 }, over: { ...pointer, button: -2 } },
    {
      what: "buttons",
      within: { ...pointer, buttons: 65_535 },
      over: { ...pointer, buttons: 65_536 },
    },
    {
      what: "modifiers",
      within: { ...pointer, modifiers: 15 },
      over: { ...pointer, modifiers: 16 },
    },
    {
      what: "pointerId",
      within: { ...pointer, pointerId: 2 ** 31 - 1 },
      over: { ...pointer, pointerId: 2 ** 31 },
    },
    {
      what: "wheel travel",
      within: { ...wheel, deltaY: MAX_WHEEL_DELTA },
      over: { ...wheel, deltaY: MAX_WHEEL_DELTA + 1 },
    },
    {
      what: "a key's text",
      within: { ...key, key: "x".repeat(MAX_KEY_TEXT_BYTES) },
      over: { ...key, key: "x".repeat(MAX_KEY_TEXT_BYTES + 1) },
    },
    {
      what: "a key's text in bytes",
      within: { ...key, code: "ä".repeat(MAX_KEY_TEXT_BYTES / 2) },
      over: { ...key, code: "ä".repeat(MAX_KEY_TEXT_BYTES / 2 + 1) },
    },
    {
      what: "width",
      within: { ...resize, width: MAX_RESIZE_SIDE },
      over: { ...resize, width: MAX_RESIZE_SIDE + 1 },
    },
    { what: "height below", within: { ...resize, height: 1 }, over: { ...resize, height: 0 } },
    {
      what: "pixel ratio",
      within: { ...resize, devicePixelRatio: MAX_DEVICE_PIXEL_RATIO },
      over: { ...resize, devicePixelRatio: MAX_DEVICE_PIXEL_RATIO + 0.1 },
    },
  ])("accepts $what at its bound and not past it", ({ within, over }) => {
    expect(decodeInput(encodeInput(within)).type).toBe(within.type);
    expect(() => encodeInput(over)).toThrow(ProtocolError);
  });
});

function withByte(event: InputEvent, at: number, value: number): Uint8Array {
  const bytes = encodeInput(event);
  bytes[at] = value;
  return bytes;
}

function cut(event: InputEvent, count: number): Uint8Array {
  return encodeInput(event).slice(0, count);
}

describe("bytes that are no event", () => {
  test.for([
    { why: "nothing", bytes: new Uint8Array(), sentence: "empty" },
    { why: "kind 0", bytes: Uint8Array.of(0), sentence: "kind (0)" },
    { why: "a kind past the last", bytes: Uint8Array.of(10), sentence: "kind (10)" },
    { why: "a pointer cut short", bytes: cut(pointer, 17), sentence: "17 bytes instead of 18" },
    { why: "a wheel cut short", bytes: cut(wheel, 17), sentence: "17 bytes instead of 18" },
    { why: "a key without texts", bytes: cut(key, 3), sentence: "ends after 3 bytes" },
    { why: "a key cut in its code", bytes: cut(key, 6), sentence: "ends after 6 bytes" },
    { why: "a resize cut short", bytes: cut(resize, 8), sentence: "8 bytes instead of 9" },
    { why: "a blur with more", bytes: Uint8Array.of(8, 0), sentence: "2 bytes instead of 1" },
    {
      why: "a key with more",
      bytes: Uint8Array.of(...encodeInput(key), 0),
      sentence: "instead of",
    },
    { why: "an unknown pointer type", bytes: withByte(pointer, 17, 3), sentence: "type (3)" },
    { why: "repeat that is no flag", bytes: withByte(key, 1, 2), sentence: "repeat (2)" },
    { why: "text that is not UTF-8", bytes: withByte(key, 4, 0xff), sentence: "not UTF-8" },
    { why: "an infinite position", bytes: withByte(pointer, 4, 0x7f), sentence: "outside 0..1" },
  ])("refuses $why", ({ bytes, sentence }) => {
    expect(() => decodeInput(bytes)).toThrow(ProtocolError);
    expect(() => decodeInput(bytes)).toThrow(sentence);
  });
});
