import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "#shared/wire/errors.ts";
import { FrameReader } from "#shared/wire/frames.ts";
import { readHello, readWelcome } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";
import { fieldsOf } from "./arbitraries.ts";
import { decodeBatch, encodeCommand, loadContext } from "./codec.ts";

const context = await loadContext();

/** Every command once, and where each ends. */
function sampleBatch(seed: number): { readonly bytes: Uint8Array; readonly ends: Set<number> } {
  const writer = new Writer();
  const ends = new Set([0]);
  for (const command of context.commands) {
    const [values] = fc.sample(fieldsOf(command.fields, context), { numRuns: 1, seed });
    encodeCommand(writer, command, values!);
    ends.add(writer.length);
  }
  return { bytes: writer.take(), ends };
}

const noPayload = {
  takePayload(length: number): Uint8Array {
    throw new ProtocolError(`No payload of ${length} bytes is staged.`);
  },
};

const PARSERS: readonly {
  readonly what: string;
  readonly parse: (bytes: Uint8Array) => unknown;
}[] = [
  { what: "commands", parse: (bytes) => decodeBatch(bytes) },
  { what: "a reply", parse: (bytes) => readReply(new Reader(bytes), noPayload) },
  { what: "a hello", parse: (bytes) => readHello(new Reader(bytes)) },
  { what: "a welcome", parse: (bytes) => readWelcome(new Reader(bytes)) },
  { what: "frames", parse: (bytes) => [...new FrameReader().push(bytes)] },
];

/** "decoded", or how it was refused. */
function outcome(parse: () => unknown): string {
  try {
    parse();
    return "decoded";
  } catch (error) {
    if (!(error instanceof ProtocolError)) return `failed: ${String(error)}`;
    return /^[A-Z\d].*\.$/.test(error.message) ? "refused" : `no sentence: ${error.message}`;
  }
}

const FINE = /^(?:decoded|refused)$/;

test("a batch cut off inside a command is refused, at every byte", () => {
  const { bytes, ends } = sampleBatch(7);
  expect(bytes.length).toBeGreaterThan(1000);
  for (let length = 0; length <= bytes.length; length++) {
    const parse = () => decodeBatch(bytes.subarray(0, length));
    expect(outcome(parse), `at ${length}`).toBe(ends.has(length) ? "decoded" : "refused");
  }
});

describe("random bytes make no other error than ProtocolError", () => {
  test.for(PARSERS)("as $what", ({ parse }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(outcome(() => parse(bytes))).toMatch(FINE);
      }),
      { numRuns: 2000 },
    );
  });

  test("as commands of which each begins with a known opcode", () => {
    const opcodes = fc.constantFrom(...Object.values(context.lock.opcodes));
    fc.assert(
      fc.property(opcodes, fc.uint8Array({ maxLength: 200 }), (opcode, bytes) => {
        expect(outcome(() => decodeBatch(Uint8Array.of(opcode, ...bytes)))).toMatch(FINE);
      }),
      { numRuns: 5000 },
    );
  });
});

test("a good batch with some bytes changed makes no other error than ProtocolError", () => {
  const { bytes } = sampleBatch(11);
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = bytes.slice();
      for (const [at, value] of changes) changed[at] = value;
      expect(outcome(() => decodeBatch(changed))).toMatch(FINE);
    }),
    { numRuns: 2000 },
  );
});

test("an opcode that no command has is refused with its number", () => {
  expect(() => decodeBatch(Uint8Array.of(0))).toThrow("No command has the opcode 0.");
  expect(() => decodeBatch(Uint8Array.of(0xff, 0x7f))).toThrow("No command has the opcode 16383.");
});

test("a record's key may be __proto__", () => {
  const command = context.commands.find(({ name }) => name === "deviceCreateComputePipeline")!;
  const writer = new Writer();
  const constants = Object.fromEntries([["__proto__", 4]]);
  const descriptor = { layout: "auto", compute: { module: { id: 1 }, constants } };
  encodeCommand(writer, command, { handle: { id: 1, generation: 1 }, descriptor });
  expect(JSON.stringify(decodeBatch(writer.view()))).toContain('"constants":{"__proto__":4}');
});
