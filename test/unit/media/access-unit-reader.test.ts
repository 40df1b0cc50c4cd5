import { describe, expect, test } from "vitest";
import { AccessUnitReader, MAX_FUTURE } from "#server/media/access-unit-reader.ts";
import {
  ACCESS_UNIT_HEADER_BYTES,
  MAX_ACCESS_UNIT_BYTES,
  MAX_ACCESS_UNIT_BYTES_PER_SECOND,
  MAX_ACCESS_UNITS_PER_SECOND,
  MAX_PICTURE_SIDE,
} from "#server/media/messages.ts";
import { ProtocolError } from "#shared/wire/errors.ts";

const NOW = 5_000_000;
const SLICE = Uint8Array.of(0, 0, 0, 1, 0x41, 154, 2);

type Fields = { length?: number; flags?: number; width?: number; height?: number; time?: number };

function header(fields: Fields = {}): Buffer {
  const bytes = Buffer.alloc(ACCESS_UNIT_HEADER_BYTES);
  bytes.writeUInt32LE(fields.length ?? SLICE.length, 0);
  bytes.writeUInt8(fields.flags ?? 0, 4);
  bytes.writeUInt16LE(fields.width ?? 640, 5);
  bytes.writeUInt16LE(fields.height ?? 360, 7);
  bytes.writeDoubleLE(fields.time ?? NOW, 9);
  return bytes;
}

const whole = (fields: Fields = {}): Buffer => Buffer.concat([header(fields), SLICE]);
const reader = (): AccessUnitReader => new AccessUnitReader(() => NOW);

test("access units are the same however the bytes are cut", () => {
  const stream = Buffer.concat([whole(), whole({ time: NOW - 1, width: 1280 })]);
  for (let size = 1; size <= stream.length; size += 1) {
    const reading = reader();
    const units = [];
    for (let at = 0; at < stream.length; at += size) {
      units.push(...reading.push(stream.subarray(at, at + size)));
    }
    expect(units).toMatchObject([
      { isKeyFrame: false, width: 640, height: 360, capturedAt: NOW, bytes: SLICE.length },
      { width: 1280, capturedAt: NOW - 1 },
    ]);
  }
});

describe("a header", () => {
  test.for([
    { what: "length", within: { length: 1 }, over: { length: 0 } },
    {
      what: "length",
      within: { length: MAX_ACCESS_UNIT_BYTES },
      over: { length: MAX_ACCESS_UNIT_BYTES + 1 },
    },
    { what: "flags", within: { flags: 1 }, over: { flags: 2 } },
    { what: "width", within: { width: MAX_PICTURE_SIDE }, over: { width: MAX_PICTURE_SIDE + 1 } },
    { what: "height", within: { height: 1 }, over: { height: 0 } },
    {
      what: "capture time",
      within: { time: NOW + MAX_FUTURE },
      over: { time: NOW + MAX_FUTURE + 1 },
    },
    { what: "capture time", within: { time: 0 }, over: { time: -1 } },
    { what: "capture time", within: { time: NOW }, over: { time: Number.NaN } },
  ])("is accepted with $what at its bound, $within, and refused with $over", ({ within, over }) => {
    expect([...reader().push(header(within))]).toEqual([]);
    expect(() => [...reader().push(header(over))]).toThrow(ProtocolError);
  });
});

test("a second holds so many access units and not one more", () => {
  const reading = reader();
  for (let count = 0; count < MAX_ACCESS_UNITS_PER_SECOND; count += 1) {
    expect([...reading.push(whole())]).toHaveLength(1);
  }
  expect(() => [...reading.push(whole())]).toThrow("access units in a second");
});

test("a second holds so many bytes and not one more", () => {
  const large = Buffer.alloc(MAX_ACCESS_UNIT_BYTES, 1);
  large.set(SLICE);
  const reading = reader();
  for (let sum = 0; sum < MAX_ACCESS_UNIT_BYTES_PER_SECOND; sum += large.length) {
    const bytes = Buffer.concat([header({ length: large.length }), large]);
    expect([...reading.push(bytes)]).toHaveLength(1);
  }
  expect(() => [...reading.push(header({ length: 1 }))]).toThrow("bytes of access units");
});
