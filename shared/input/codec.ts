import { decodeUtf8, encodeUtf8 } from "#shared/base/utf8.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import type { InputEvent, KeyInput, PointerInput, ResizeInput, WheelInput } from "./events.ts";

// One input event as bytes: a kind byte and its fields, little-endian, nothing after them.
//
//   1 pointermove, 2 pointerdown, 3 pointerup, 4 pointercancel:
//       f32 x | f32 y | i8 button | u16 buttons | u8 modifiers | i32 pointerId | u8 pointerType
//   5 wheel:           f32 x | f32 y | f32 deltaX | f32 deltaY | u8 modifiers
//   6 keydown, 7 keyup: u8 repeat | u8 modifiers | u8 length, UTF-8 code | u8 length, UTF-8 key
//   8 blur
//   9 resize:          u16 width | u16 height | f32 devicePixelRatio
//
// pointerType: 0 mouse, 1 pen, 2 touch. The numbers are for ever.

/** `code` or `key` in UTF-8 bytes. Bounds what a viewer can make every hop to the program carry. */
export const MAX_KEY_TEXT_BYTES = 64;
/** The longest event: a key with both texts full. Bounds a message before it is looked at. */
export const MAX_INPUT_BYTES = 5 + 2 * MAX_KEY_TEXT_BYTES;
/** A side of the viewer's picture area. Bounds the textures that a resize makes a program create. */
export const MAX_RESIZE_SIDE = 16_384;
export const MAX_DEVICE_PIXEL_RATIO = 16;
/** Wheel travel of one event, in CSS pixels; far above what any device reports. */
export const MAX_WHEEL_DELTA = 1_000_000;

const POINTER_TYPES = ["pointermove", "pointerdown", "pointerup", "pointercancel"] as const;
const POINTER_DEVICES = ["mouse", "pen", "touch"] as const;
const KEY_TYPES = ["keydown", "keyup"] as const;
const FIRST_POINTER = 1;
const WHEEL = 5;
const FIRST_KEY = 6;
const BLUR = 8;
const RESIZE = 9;

const POINTER_BYTES = 18;
const WHEEL_BYTES = 18;
const KEY_HEADER_BYTES = 3;
const RESIZE_BYTES = 9;

const MAX_MODIFIERS = 15;
const MIN_BUTTON = -1;
const MAX_BUTTON = 15;

/** Throws ProtocolError for an event outside the bounds: its sender would lose its connection. */
export function encodeInput(event: InputEvent): Uint8Array {
  switch (event.type) {
    case "pointermove":
    case "pointerdown":
    case "pointerup":
    case "pointercancel":
      return encodePointer(event);
    case "wheel":
      return encodeWheel(event);
    case "keydown":
    case "keyup":
      return encodeKey(event);
    case "blur":
      return Uint8Array.of(BLUR);
    case "resize":
      return encodeResize(event);
    default:
      return event satisfies never;
  }
}

/** Throws ProtocolError unless `bytes` are exactly one event with every field in its bounds. */
export function decodeInput(bytes: Uint8Array): InputEvent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = bytes[0];
  switch (kind) {
    case undefined:
      throw new ProtocolError("An input event is empty.");
    case 1:
    case 2:
    case 3:
    case 4:
      return decodePointer(view, POINTER_TYPES[kind - FIRST_POINTER]!);
    case WHEEL:
      return decodeWheel(view);
    case FIRST_KEY:
    case FIRST_KEY + 1:
      return decodeKey(bytes, KEY_TYPES[kind - FIRST_KEY]!);
    case BLUR:
      checkLength("blur", bytes.length, 1);
      return { type: "blur" };
    case RESIZE:
      return decodeResize(view);
    default:
      throw new ProtocolError(`An input event's kind (${kind}) is outside 1..${RESIZE}.`);
  }
}

function encodePointer(event: PointerInput): Uint8Array {
  checkPointer(event);
  const bytes = new Uint8Array(POINTER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = FIRST_POINTER + POINTER_TYPES.indexOf(event.type);
  view.setFloat32(1, event.x, true);
  view.setFloat32(5, event.y, true);
  view.setInt8(9, event.button);
  view.setUint16(10, event.buttons, true);
  view.setUint8(12, event.modifiers);
  view.setInt32(13, event.pointerId, true);
  view.setUint8(17, POINTER_DEVICES.indexOf(event.pointerType));
  return bytes;
}

function decodePointer(view: DataView, type: PointerInput["type"]): PointerInput {
  checkLength(type, view.byteLength, POINTER_BYTES);
  const device = view.getUint8(17);
  const pointerType = POINTER_DEVICES[device];
  if (pointerType === undefined) {
    throw new ProtocolError(
      `A pointer type (${device}) is outside 0..${POINTER_DEVICES.length - 1}.`,
    );
  }
  const event: PointerInput = {
    type,
    x: view.getFloat32(1, true),
    y: view.getFloat32(5, true),
    button: view.getInt8(9),
    buttons: view.getUint16(10, true),
    modifiers: view.getUint8(12),
    pointerId: view.getInt32(13, true),
    pointerType,
  };
  checkPointer(event);
  return event;
}

function checkPointer(event: PointerInput): void {
  checkNumber("x", event.x, 0, 1);
  checkNumber("y", event.y, 0, 1);
  checkInteger("button", event.button, MIN_BUTTON, MAX_BUTTON);
  checkInteger("buttons", event.buttons, 0, 0xffff);
  checkInteger("modifiers", event.modifiers, 0, MAX_MODIFIERS);
  checkInteger("pointerId", event.pointerId, -0x8000_0000, 0x7fff_ffff);
}

function encodeWheel(event: WheelInput): Uint8Array {
  checkWheel(event);
  const bytes = new Uint8Array(WHEEL_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = WHEEL;
  view.setFloat32(1, event.x, true);
  view.setFloat32(5, event.y, true);
  view.setFloat32(9, event.deltaX, true);
  view.setFloat32(13, event.deltaY, true);
  view.setUint8(17, event.modifiers);
  return bytes;
}

function decodeWheel(view: DataView): WheelInput {
  checkLength("wheel", view.byteLength, WHEEL_BYTES);
  const event: WheelInput = {
    type: "wheel",
    x: view.getFloat32(1, true),
    y: view.getFloat32(5, true),
    deltaX: view.getFloat32(9, true),
    deltaY: view.getFloat32(13, true),
    modifiers: view.getUint8(17),
  };
  checkWheel(event);
  return event;
}

function checkWheel(event: WheelInput): void {
  checkNumber("x", event.x, 0, 1);
  checkNumber("y", event.y, 0, 1);
  checkNumber("deltaX", event.deltaX, -MAX_WHEEL_DELTA, MAX_WHEEL_DELTA);
  checkNumber("deltaY", event.deltaY, -MAX_WHEEL_DELTA, MAX_WHEEL_DELTA);
  checkInteger("modifiers", event.modifiers, 0, MAX_MODIFIERS);
}

function encodeKey(event: KeyInput): Uint8Array {
  checkInteger("modifiers", event.modifiers, 0, MAX_MODIFIERS);
  const code = encodeUtf8(event.code);
  const key = encodeUtf8(event.key);
  checkInteger("code's length", code.length, 0, MAX_KEY_TEXT_BYTES);
  checkInteger("key's length", key.length, 0, MAX_KEY_TEXT_BYTES);
  const bytes = new Uint8Array(KEY_HEADER_BYTES + 2 + code.length + key.length);
  bytes[0] = FIRST_KEY + KEY_TYPES.indexOf(event.type);
  bytes[1] = event.repeat ? 1 : 0;
  bytes[2] = event.modifiers;
  bytes[3] = code.length;
  bytes.set(code, 4);
  bytes[4 + code.length] = key.length;
  bytes.set(key, 5 + code.length);
  return bytes;
}

function decodeKey(bytes: Uint8Array, type: KeyInput["type"]): KeyInput {
  const [, repeat, modifiers] = bytes;
  if (repeat === undefined || modifiers === undefined) throw truncated(type, bytes.length);
  checkInteger("repeat", repeat, 0, 1);
  checkInteger("modifiers", modifiers, 0, MAX_MODIFIERS);
  const code = readText(bytes, KEY_HEADER_BYTES, type, "code");
  const key = readText(bytes, code.end, type, "key");
  checkLength(type, bytes.length, key.end);
  return { type, code: code.text, key: key.text, repeat: repeat === 1, modifiers };
}

function readText(
  bytes: Uint8Array,
  at: number,
  type: KeyInput["type"],
  field: string,
): { text: string; end: number } {
  const length = bytes[at];
  if (length === undefined) throw truncated(type, bytes.length);
  checkInteger(`${field}'s length`, length, 0, MAX_KEY_TEXT_BYTES);
  const end = at + 1 + length;
  if (end > bytes.length) throw truncated(type, bytes.length);
  try {
    return { text: decodeUtf8(bytes.subarray(at + 1, end)), end };
  } catch (cause) {
    throw new ProtocolError(`A ${type} event's ${field} is not UTF-8.`, { cause });
  }
}

function encodeResize(event: ResizeInput): Uint8Array {
  checkResize(event);
  const bytes = new Uint8Array(RESIZE_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = RESIZE;
  view.setUint16(1, event.width, true);
  view.setUint16(3, event.height, true);
  view.setFloat32(5, event.devicePixelRatio, true);
  return bytes;
}

function decodeResize(view: DataView): ResizeInput {
  checkLength("resize", view.byteLength, RESIZE_BYTES);
  const event: ResizeInput = {
    type: "resize",
    width: view.getUint16(1, true),
    height: view.getUint16(3, true),
    devicePixelRatio: view.getFloat32(5, true),
  };
  checkResize(event);
  return event;
}

function checkResize(event: ResizeInput): void {
  checkInteger("width", event.width, 1, MAX_RESIZE_SIDE);
  checkInteger("height", event.height, 1, MAX_RESIZE_SIDE);
  // A ratio is never zero; one that rounds to it as f32 is refused by both sides alike.
  checkNumber("devicePixelRatio", event.devicePixelRatio, 1 / 64, MAX_DEVICE_PIXEL_RATIO);
}

function checkLength(type: InputEvent["type"], length: number, expected: number): void {
  if (length !== expected) {
    throw new ProtocolError(`A ${type} event has ${length} bytes instead of ${expected}.`);
  }
}

function checkNumber(field: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) {
    throw new ProtocolError(`An input event's ${field} (${value}) is outside ${min}..${max}.`);
  }
}

function checkInteger(field: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value)) {
    throw new ProtocolError(`An input event's ${field} (${value}) is not a whole number.`);
  }
  checkNumber(field, value, min, max);
}

function truncated(type: InputEvent["type"], length: number): ProtocolError {
  return new ProtocolError(`A ${type} event ends after ${length} bytes, inside a field.`);
}
