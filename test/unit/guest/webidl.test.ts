import { describe, expect, test } from "vitest";
import * as webidl from "#client/guest/webidl.ts";

const toUint32 = (value: unknown) => webidl.toUint32(value, "value");
const toUint64 = (value: unknown) => webidl.toUint64(value, "value");
const toInt32 = (value: unknown) => webidl.toInt32(value, "value");
const toFloat = (value: unknown) => webidl.toFloat(value, "value");
const toDouble = (value: unknown) => webidl.toDouble(value, "value");
const toSequence = (value: unknown) => webidl.toSequence(value, Number, "value");
const toLoadOp = (value: unknown) => webidl.toEnum(value, { load: 0, clear: 1 }, "value");

/** Leaves out what is undefined, as an item of type `V or undefined` does. */
const toRecord = (value: unknown) =>
  webidl.toRecord(
    value,
    webidl.toDOMString,
    (item) => (item === undefined ? undefined : Number(item)),
    "value",
  );

/** The bytes as an array, and their unit. */
function toBytes(value: unknown): [number[], number] {
  const { bytes, unit } = webidl.toBytes(value, "value");
  return [[...bytes], unit];
}

describe("[EnforceRange] unsigned long", () => {
  test.for([
    [0, 0],
    [-0, 0],
    [4294967295, 4294967295],
    [1.9, 1],
    [-0.9, 0],
    ["7", 7],
    [null, 0],
    [true, 1],
    [{ valueOf: () => 5 }, 5],
  ])("makes %o %o", ([value, expected]) => {
    expect(toUint32(value)).toBe(expected);
  });

  test.for([
    { value: 4294967296 },
    { value: -1 },
    { value: NaN },
    { value: Infinity },
    { value: undefined },
    { value: "a" },
    { value: {} },
    { value: 1n },
    { value: Symbol.iterator },
  ])("refuses $value", ({ value }) => {
    expect(() => toUint32(value)).toThrow(TypeError);
  });
});

describe("[EnforceRange] unsigned long long", () => {
  test("goes up to 2^53 - 1", () => {
    expect(toUint64(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
    expect(toUint64(-0)).toBe(0);
  });

  test.for([{ value: 2 ** 53 }, { value: -1 }])("refuses $value", ({ value }) => {
    expect(() => toUint64(value)).toThrow(TypeError);
  });
});

describe("[EnforceRange] long", () => {
  test.for([-(2 ** 31), -1, 2 ** 31 - 1])("takes %d", (value) => {
    expect(toInt32(value)).toBe(value);
  });

  test.for([{ value: 2 ** 31 }, { value: -(2 ** 31) - 1 }])("refuses $value", ({ value }) => {
    expect(() => toInt32(value)).toThrow(TypeError);
  });
});

describe("[Clamp] unsigned short", () => {
  test.for([
    [-1, 0],
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [2.51, 3],
    [65535.9, 65535],
    [1e9, 65535],
    [NaN, 0],
  ])("makes %o %o", ([value, expected]) => {
    expect(webidl.toClampedUint16(value)).toBe(expected);
  });
});

describe("a float", () => {
  test("is rounded to single precision", () => {
    expect(toFloat(0.1)).toBe(Math.fround(0.1));
  });

  test("of double precision is not, and goes further", () => {
    expect(toDouble(0.1)).toBe(0.1);
    expect(toDouble(1e39)).toBe(1e39);
  });

  test.for([
    { value: 1e39 },
    { value: -Infinity },
    { value: NaN },
    { value: undefined },
    { value: 1n },
  ])("of single precision is not $value", ({ value }) => {
    expect(() => toFloat(value)).toThrow(TypeError);
  });

  test.for([{ value: -Infinity }, { value: NaN }, { value: undefined }, { value: 1n }])(
    "of double precision is not $value",
    ({ value }) => {
      expect(() => toDouble(value)).toThrow(TypeError);
    },
  );
});

test("strings are made of anything but symbols, and USVStrings have no lone surrogates", () => {
  expect(webidl.toDOMString(5)).toBe("5");
  expect(webidl.toDOMString("a\ud800b")).toBe("a\ud800b");
  expect(webidl.toUSVString("a\ud800b")).toBe("a\ufffdb");
  expect(() => webidl.toDOMString(Symbol("s"))).toThrow(TypeError);
  expect(() => webidl.toUSVString(Symbol("s"))).toThrow(TypeError);
});

describe("an enum's value", () => {
  test("is one of its values, made a string", () => {
    expect(toLoadOp("load")).toBe("load");
    expect(toLoadOp(["clear"])).toBe("clear");
  });

  test.for([{ value: "Load" }, { value: "toString" }, { value: undefined }])(
    "is not $value",
    ({ value }) => {
      expect(() => toLoadOp(value)).toThrow(TypeError);
    },
  );
});

describe("a sequence", () => {
  test.for([
    { what: "an array", source: [1, 2] },
    { what: "a set", source: new Set([1, 2]) },
    { what: "a typed array", source: Uint8Array.of(1, 2) },
    {
      what: "an object that can be iterated",
      source: {
        *[Symbol.iterator]() {
          yield* [1, 2];
        },
      },
    },
  ])("comes from $what", ({ source }) => {
    expect(toSequence(source)).toEqual([1, 2]);
  });

  test.for([
    { value: "12" },
    { value: 5 },
    { value: null },
    { value: undefined },
    { value: {} },
    { value: { [Symbol.iterator]: 5 } },
  ])("does not come from $value", ({ value }) => {
    expect(() => toSequence(value)).toThrow(TypeError);
  });

  test("of an array whose iterator was replaced is what that iterator yields", () => {
    const array = [1, 2];
    Object.defineProperty(array, Symbol.iterator, {
      *value() {
        yield 9;
      },
    });
    expect(toSequence(array)).toEqual([9]);
  });
});

describe("a record", () => {
  test("has the own enumerable properties, and what is undefined is left out", () => {
    const source = Object.create(
      { inherited: 1 },
      {
        hidden: { value: 2 },
        a: { value: 3, enumerable: true },
        ["__proto__"]: { value: 4, enumerable: true },
        gone: { value: undefined, enumerable: true },
      },
    );
    expect(Object.entries(toRecord(source))).toEqual([
      ["a", 3],
      ["__proto__", 4],
    ]);
  });

  test.for([{ value: null }, { value: 5 }, { value: { [Symbol("key")]: 1 } }])(
    "does not come from $value",
    ({ value }) => {
      expect(() => toRecord(value)).toThrow(TypeError);
    },
  );
});

describe("bytes", () => {
  const { buffer } = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

  test.for([
    { what: "a buffer", value: buffer, bytes: [1, 2, 3, 4, 5, 6, 7, 8], unit: 1 },
    { what: "a typed array", value: new Uint16Array(buffer, 2, 2), bytes: [3, 4, 5, 6], unit: 2 },
    { what: "a DataView", value: new DataView(buffer, 6), bytes: [7, 8], unit: 1 },
    { what: "a shared buffer", value: new SharedArrayBuffer(2), bytes: [0, 0], unit: 1 },
  ])("come from $what, with offsets that count $unit of them", ({ value, bytes, unit }) => {
    expect(toBytes(value)).toEqual([bytes, unit]);
  });

  test.for([{ value: [1] }, { value: null }, { value: {} }])(
    "do not come from $value",
    ({ value }) => {
      expect(() => toBytes(value)).toThrow(TypeError);
    },
  );
});
