import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "#shared/wire/errors.ts";
import { Reader } from "#shared/wire/reader.ts";
import { Writer } from "#shared/wire/writer.ts";
import { truncateUtf8, utf8Length } from "#shared/base/utf8.ts";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(16);
  writer.reserve(16);
  write(writer);
  return writer.take();
}

const reading = (...bytes: number[]) => new Reader(Uint8Array.from(bytes));

describe("integers have these bytes", () => {
  test.for([
    { value: 0, bytes: [0x00] },
    { value: 127, bytes: [0x7f] },
    { value: 128, bytes: [0x80, 0x01] },
    { value: 0xffff_ffff, bytes: [0xff, 0xff, 0xff, 0xff, 0x0f] },
  ])("u32 $value", ({ value, bytes }) => {
    expect([...written((writer) => writer.u32(value))]).toEqual(bytes);
    expect(reading(...bytes).u32()).toBe(value);
    expect(reading(...bytes).u64()).toBe(value);
  });

  test.for([
    { value: 2 ** 32, bytes: [0x80, 0x80, 0x80, 0x80, 0x10] },
    {
      value: Number.MAX_SAFE_INTEGER,
      bytes: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
    },
  ])("u64 $value", ({ value, bytes }) => {
    expect([...written((writer) => writer.u64(value))]).toEqual(bytes);
    expect(reading(...bytes).u64()).toBe(value);
  });

  test.for([
    { value: -1, bytes: [0x01] },
    { value: 1, bytes: [0x02] },
    { value: 2 ** 31 - 1, bytes: [0xfe, 0xff, 0xff, 0xff, 0x0f] },
    { value: -(2 ** 31), bytes: [0xff, 0xff, 0xff, 0xff, 0x0f] },
  ])("i32 $value", ({ value, bytes }) => {
    expect([...written((writer) => writer.i32(value))]).toEqual(bytes);
    expect(reading(...bytes).i32()).toBe(value);
  });
});

describe("the reader refuses", () => {
  test.for([
    {
      what: "a u32 of 33 bits",
      bytes: [0xff, 0xff, 0xff, 0xff, 0x1f],
      read: (r: Reader) => r.u32(),
    },
    {
      what: "a u32 of six bytes",
      bytes: [0x80, 0x80, 0x80, 0x80, 0x80, 0],
      read: (r: Reader) => r.u32(),
    },
    {
      what: "a u64 of 54 bits",
      bytes: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f],
      read: (r: Reader) => r.u64(),
    },
    {
      what: "a u64 that never ends",
      bytes: Array.from({ length: 64 }, () => 0x80),
      read: (r: Reader) => r.u64(),
    },
    { what: "a u32 longer than it needs to be", bytes: [0x81, 0x00], read: (r: Reader) => r.u32() },
    {
      what: "a u64 longer than it needs to be",
      bytes: [0x81, 0x80, 0x00],
      read: (r: Reader) => r.u64(),
    },
    { what: "a u16 of 17 bits", bytes: [0x80, 0x80, 0x04], read: (r: Reader) => r.u16() },
    { what: "a boolean of 2", bytes: [2], read: (r: Reader) => r.boolean() },
    { what: "a float that is NaN", bytes: [0, 0, 0xc0, 0x7f], read: (r: Reader) => r.float() },
    {
      what: "an infinite double",
      bytes: [0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
      read: (r: Reader) => r.double(),
    },
    { what: "a string that is not UTF-8", bytes: [2, 0xc3, 0x28], read: (r: Reader) => r.string() },
    { what: "a surrogate in UTF-8", bytes: [3, 0xed, 0xa0, 0x80], read: (r: Reader) => r.string() },
    { what: "a mask with an unknown bit", bytes: [0b1010], read: (r: Reader) => r.mask(0b0011) },
    {
      what: "an enum past its end",
      bytes: [2],
      read: (r: Reader) => r.enumeration(["a", "b"], "E"),
    },
    {
      what: "an enum's retired number",
      bytes: [0],
      read: (r: Reader) => r.enumeration([undefined, "b"], "E"),
    },
    {
      what: "a nullable enum past its end",
      bytes: [3],
      read: (r: Reader) => r.nullableEnumeration(["a", "b"], "E"),
    },
    { what: "more than it has", bytes: [1, 2], read: (r: Reader) => r.raw(3) },
    { what: "what follows the end", bytes: [1], read: (r: Reader) => r.finish() },
  ])("$what", ({ bytes, read }) => {
    expect(() => read(reading(...bytes))).toThrow(ProtocolError);
  });

  test("nothing of these, as a control", () => {
    expect(reading(0xff, 0xff, 0x03).u16()).toBe(0xffff);
    expect(reading(1).boolean()).toBe(true);
    expect(reading(0b0010).mask(0b0011)).toBe(2);
    expect(reading(1).enumeration(["a", "b"], "E")).toBe("b");
    expect(reading(2).nullableEnumeration(["a", "b"], "E")).toBe("b");
    expect(reading(0).nullableEnumeration(["a", "b"], "E")).toBe(null);
  });
});

test("any text survives, as long or short as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const bytes = written((writer) => writer.string(text));
      expect(bytes.slice(bytes.length - utf8Length(text))).toEqual(
        new Uint8Array(Buffer.from(text, "utf8")),
      );
      expect(new Reader(bytes).string()).toBe(text);
    }),
  );
});

test("a lone surrogate arrives as U+FFFD", () => {
  const bytes = written((writer) => writer.string("a\ud800b"));
  expect(new Reader(bytes).string()).toBe("a\ufffdb");
});

test("cutting text keeps whole characters and no more bytes than asked for", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, limit) => {
      const cut = truncateUtf8(text, limit);
      expect(text.startsWith(cut)).toBe(true);
      expect(utf8Length(cut)).toBeLessThanOrEqual(limit);
      const next = text.codePointAt(cut.length);
      const longer = cut + (next === undefined ? "" : String.fromCodePoint(next));
      expect(longer === text || utf8Length(longer) > limit).toBe(true);
    }),
  );
});

test("a writer goes on after it has grown, rewound or given its bytes away", () => {
  const writer = new Writer(1);
  writer.string("kept");
  const mark = writer.mark();
  writer.string("x".repeat(100));
  writer.rewind(mark);
  writer.reserve(1);
  writer.u8(7);
  const taken = writer.take();
  writer.string("new");
  expect([...taken]).toEqual([4, ...Buffer.from("kept"), 7]);
  expect([...writer.view()]).toEqual([3, ...Buffer.from("new")]);
});

test("a reader goes on with other bytes", () => {
  const reader = reading(1, 2);
  reader.u8();
  reader.reset(Uint8Array.of(5));
  expect([reader.position, reader.remaining, reader.u8(), reader.remaining]).toEqual([0, 1, 5, 0]);
});
