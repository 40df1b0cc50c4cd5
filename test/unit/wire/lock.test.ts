import { describe, expect, test } from "vitest";
import { EMPTY_LOCK, extendLock, type Lock, type Numbered } from "#codegen/lock.ts";
import type { Field } from "#codegen/wire.ts";
import { loadContext } from "./codec.ts";

function field(name: string, kind: "u32" | "u64", optional = false): Field {
  return { name, type: { kind, nullable: false }, optional, default: undefined };
}

const NUMBERED: Numbered = {
  objects: ["GPUBuffer"],
  enums: [{ name: "GPULoadOp", values: ["load", "clear"] }],
  unions: [],
  dictionaries: [{ name: "Size", fields: [field("width", "u32"), field("height", "u32", true)] }],
  commands: [
    {
      name: "draw",
      fields: [field("count", "u32"), field("first", "u32", true)],
      meaning: "",
      method: undefined,
    },
    { name: "end", fields: [], meaning: "", method: undefined },
  ],
  replies: ["resolved"],
};

const LOCK = extendLock(EMPTY_LOCK, NUMBERED);

function withFields(name: "draw" | "end", fields: readonly Field[]): Numbered {
  return {
    ...NUMBERED,
    commands: NUMBERED.commands.map((each) => (each.name === name ? { ...each, fields } : each)),
  };
}

test("a first lock numbers everything, and another run changes nothing", () => {
  expect(LOCK).toEqual({
    ...EMPTY_LOCK,
    kinds: { GPUBuffer: 1 },
    enums: { GPULoadOp: { load: 0, clear: 1 } },
    dictionaries: { Size: { required: ["width: u32"], optional: { "height: u32": 0 } } },
    opcodes: { draw: 1, end: 2 },
    arguments: {
      draw: { required: ["count: u32"], optional: { "first: u32": 0 } },
      end: { required: [] },
    },
    replies: { resolved: 1 },
  });
  expect(extendLock(LOCK, NUMBERED)).toEqual(LOCK);
});

const GROWN: Numbered = { ...NUMBERED, objects: ["GPUBuffer", "GPUTexture"] };

test.for([
  { what: "an object", numbered: GROWN },
  { what: "a reply", numbered: { ...NUMBERED, replies: ["resolved", "rejected"] } },
  {
    what: "an enum's value",
    numbered: { ...NUMBERED, enums: [{ name: "GPULoadOp", values: ["load", "clear", "discard"] }] },
  },
  {
    what: "an optional field",
    numbered: withFields("draw", [
      field("count", "u32"),
      field("first", "u32", true),
      field("last", "u32", true),
    ]),
  },
])("with $what more it is a minor version later, once", ({ numbered }) => {
  const later = extendLock(LOCK, numbered);
  expect([later.major, later.minor]).toEqual([LOCK.major, LOCK.minor + 1]);
  expect(extendLock(later, numbered)).toEqual(later);
});

test("what is new gets the next number, wherever it stands in the specification", () => {
  const extended = extendLock(LOCK, {
    ...NUMBERED,
    objects: ["GPUAdapter", "GPUBuffer"],
    enums: [{ name: "GPULoadOp", values: ["discard", "load", "clear"] }],
    commands: [
      { name: "begin", fields: [], meaning: "", method: undefined },
      ...withFields("draw", [
        field("instances", "u32", true),
        field("count", "u32"),
        field("first", "u32", true),
      ]).commands,
    ],
  });
  expect(extended.kinds).toEqual({ GPUBuffer: 1, GPUAdapter: 2 });
  expect(extended.enums["GPULoadOp"]).toEqual({ load: 0, clear: 1, discard: 2 });
  expect(extended.opcodes).toEqual({ draw: 1, end: 2, begin: 3 });
  expect(extended.arguments["draw"]).toEqual({
    required: ["count: u32"],
    optional: { "first: u32": 0, "instances: u32": 1 },
  });
});

describe("the generator stops where", () => {
  const table: readonly {
    readonly what: string;
    readonly numbered: Numbered;
    readonly says: string;
  }[] = [
    {
      what: "an enum's value is gone",
      numbered: { ...NUMBERED, enums: [{ name: "GPULoadOp", values: ["load"] }] },
      says: 'enums.GPULoadOp.clear is in the lock file and gone from the model: list it under "retired" if that is meant.',
    },
    {
      what: "an enum is gone",
      numbered: { ...NUMBERED, enums: [] },
      says: "enums.GPULoadOp is in the lock file and gone",
    },
    {
      what: "a kind of object is gone",
      numbered: { ...NUMBERED, objects: [] },
      says: "kinds.GPUBuffer is in the lock file and gone",
    },
    {
      what: "a command is gone",
      numbered: { ...NUMBERED, commands: NUMBERED.commands.slice(0, 1) },
      says: "opcodes.end is in the lock file and gone",
    },
    {
      what: "a reply is gone",
      numbered: { ...NUMBERED, replies: [] },
      says: "replies.resolved is in the lock file and gone",
    },
    {
      what: "an optional field is gone",
      numbered: withFields("draw", [field("count", "u32")]),
      says: "arguments.draw.first: u32 is in the lock file and gone",
    },
    {
      what: "a required field has another type",
      numbered: withFields("draw", [field("count", "u64"), field("first", "u32", true)]),
      says: "The required fields of arguments.draw are (count: u64) and were (count: u32): that needs another name or a new major version.",
    },
    {
      what: "a required field is new",
      numbered: withFields("end", [field("count", "u32")]),
      says: "The required fields of arguments.end are (count: u32) and were ()",
    },
    {
      what: "a command without a mask gets an optional field",
      numbered: withFields("end", [field("count", "u32", true)]),
      says: "arguments.end got its first optional field (count: u32) and has no mask: that needs another command.",
    },
  ];
  test.for(table)("$what", ({ numbered, says }) => {
    expect(() => extendLock(LOCK, numbered)).toThrow(says);
  });
});

describe("what is retired", () => {
  const without: Numbered = { ...NUMBERED, enums: [{ name: "GPULoadOp", values: ["clear"] }] };
  const retiring: Lock = { ...LOCK, major: 2, retired: ["enums.GPULoadOp.load"] };

  test("is of an earlier major version", () => {
    expect(() => extendLock({ ...retiring, major: 1 }, without)).toThrow(
      "The lock file retires enums.GPULoadOp.load: a stream that has it would not be understood any more, which needs a new major version.",
    );
  });

  test("may be gone, and its number is not given out again", () => {
    const more = { ...without, enums: [{ name: "GPULoadOp", values: ["clear", "discard"] }] };
    expect(extendLock(retiring, without).enums["GPULoadOp"]).toEqual({ load: 0, clear: 1 });
    expect(extendLock(retiring, more).enums["GPULoadOp"]).toEqual({
      load: 0,
      clear: 1,
      discard: 2,
    });
  });

  test("must be gone", () => {
    expect(() => extendLock(retiring, NUMBERED)).toThrow(
      "The lock file retires enums.GPULoadOp.load, which is not both locked and gone.",
    );
  });
});

test("no two things of the committed lock share a number", async () => {
  const { lock } = await loadContext();
  const maps = [
    lock.kinds,
    lock.opcodes,
    lock.replies,
    ...Object.values(lock.enums),
    ...Object.values(lock.unions),
    ...[...Object.values(lock.dictionaries), ...Object.values(lock.arguments)].map(
      ({ optional }) => optional ?? {},
    ),
  ];
  for (const numbers of maps) {
    expect(new Set(Object.values(numbers)).size).toBe(Object.keys(numbers).length);
  }
  expect(Object.keys(lock.opcodes).length).toBeGreaterThan(90);
});
