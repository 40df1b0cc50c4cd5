import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Writer } from "#shared/wire/writer.ts";
import { arbitraryOf, fieldsOf, readArguments, readForm } from "./arbitraries.ts";
import { decodeBatch, encodeCommand, loadContext, openResolver, roundTrip } from "./codec.ts";

const context = await loadContext();

describe("a dictionary survives encoding and decoding", () => {
  test.for(context.dictionaries.map(({ name }) => name))("%s", (name) => {
    const type = { kind: "dictionary", name, nullable: false } as const;
    fc.assert(
      fc.property(arbitraryOf(type, context), (value) => {
        expect(roundTrip(name, value)).toEqual(readForm(type, value, context));
      }),
      { numRuns: 60 },
    );
  });
});

describe("a union survives encoding and decoding", () => {
  test.for(context.unions)("$name", ({ name, members }) => {
    const type = { kind: "union", name, of: members, nullable: false } as const;
    fc.assert(
      fc.property(arbitraryOf(type, context), (value) => {
        expect(roundTrip(name, value)).toEqual(readForm(type, value, context));
      }),
    );
  });
});

describe("a command survives encoding and decoding", () => {
  test.for(context.commands)("$name", (command) => {
    fc.assert(
      fc.property(fieldsOf(command.fields, context), (values) => {
        const writer = new Writer(16);
        encodeCommand(writer, command, values);
        const [call, ...rest] = decodeBatch(writer.view());
        expect(rest).toEqual([]);
        expect(call![0]).toBe(command.name);
        const expected = readArguments(command.fields, values, context);
        expect(withoutOffsets(call![1], command.name)).toEqual(
          withoutOffsets(expected, command.name),
        );
      }),
      { numRuns: 60 },
    );
  });
});

test("commands follow one another in one batch", () => {
  const all = fc.tuple(...context.commands.map(({ fields }) => fieldsOf(fields, context)));
  const [values] = fc.sample(all, { numRuns: 1, seed: 1 });
  const writer = new Writer();
  for (const [index, command] of context.commands.entries()) {
    encodeCommand(writer, command, values![index]!);
  }
  expect(decodeBatch(writer.view()).map(([name]) => name)).toEqual(
    context.commands.map(({ name }) => name),
  );
});

test("staged data is taken from the payload, and its length must be the command's", () => {
  const command = context.commands.find(({ name }) => name === "queueWriteBuffer")!;
  const writer = new Writer();
  encodeCommand(writer, command, {
    buffer: { id: 7 },
    bufferOffset: 256,
    data: { stagedLength: 5 },
  });
  const payload = new Uint8Array([1, 2, 3, 4, 5]);
  expect(decodeBatch(writer.view(), openResolver(payload))[0]![1].at(-1)).toBe(payload);
  expect(() => decodeBatch(writer.view(), openResolver(payload.subarray(1)))).toThrow(
    "No payload of 5 bytes is staged.",
  );
});

/** The sink gets dynamic offsets as an array that may be longer, and how many of it count. */
function withoutOffsets(values: readonly unknown[], name: string): readonly unknown[] {
  if (!name.endsWith("SetBindGroup")) return values;
  const [index, bindGroup, offsets, length] = values;
  const list = offsets instanceof Uint32Array ? [...offsets.subarray(0, Number(length))] : offsets;
  return [index, bindGroup, list];
}
