import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildContext, type Context } from "#codegen/context.ts";
import { generateCommands } from "#codegen/generate-commands.ts";
import { generateDictionaries } from "#codegen/generate-dictionaries.ts";
import { generateNumbers } from "#codegen/generate-numbers.ts";
import { generateObjects } from "#codegen/generate-objects.ts";
import {
  type Argument,
  type Interface,
  loadModel,
  type Method,
  type Model,
} from "#codegen/model.ts";
import { Writer } from "#shared/wire/writer.ts";
import { batchesOf, readVector, recordingVectors } from "#test/support/recordings.ts";
import { fieldsOf } from "./arbitraries.ts";
import { type Call, decodeBatch, encodeCommand, loadContext, openResolver, ROOT } from "./codec.ts";

// What is written now is read by a build of the next minor version: the specification with something new in it, generated as
// `npm run generate` would.

const NUMBER = { kind: "u32", enforceRange: true, clamp: false, nullable: false } as const;
const NEW_ARGUMENT: Argument = { name: "also", type: NUMBER, optional: true, default: undefined };
const NEW_METHOD: Method = {
  name: "anew",
  overloads: [{ arguments: [], returns: { kind: "undefined", nullable: false }, isPromise: false }],
};

/** With what is new in front, where there is an order: it is the numbers that must stay. */
function laterModel(model: Model): Model {
  const enums = [...model.enums].map(
    ([name, each]) => [name, { ...each, values: ["anew", ...each.values] }] as const,
  );
  const dictionaries = [...model.dictionaries].map(
    ([name, each]) =>
      [
        name,
        { ...each, members: [{ ...NEW_ARGUMENT, required: false }, ...each.members] },
      ] as const,
  );
  const interfaces = [...model.interfaces].map(
    ([name, each]) => [name, name === "GPURenderPassEncoder" ? laterPass(each) : each] as const,
  );
  return {
    ...model,
    enums: new Map(enums),
    dictionaries: new Map(dictionaries),
    interfaces: new Map(interfaces),
  };
}

function laterPass(pass: Interface): Interface {
  const methods = pass.methods.map((method) => {
    if (method.name !== "draw") return method;
    const overloads = method.overloads.map((each) => ({
      ...each,
      arguments: [...each.arguments, NEW_ARGUMENT],
    }));
    return { ...method, overloads };
  });
  return { ...pass, methods: [NEW_METHOD, ...methods] };
}

let now: Context;
let later: Context;
let folder: string;
/** As decodeBatch(), in a build of the later minor. */
let decodeLater: (bytes: Uint8Array, resolver: object) => Call[];

beforeAll(async () => {
  now = await loadContext();
  later = buildContext(laterModel(await loadModel()), now.lock);
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-later-"));
  await cp(path.join(ROOT, "shared"), path.join(folder, "shared"), {
    recursive: true,
    filter: (source) => path.basename(source) !== "tsconfig.json", // It extends one that is not copied.
  });
  const generators = [generateNumbers, generateObjects, generateDictionaries, generateCommands];
  for (const { path: name, text } of generators.flatMap((generator) => generator(later))) {
    await writeFile(path.join(folder, name), text);
  }
  const load = (name: string) => import(pathToFileURL(path.join(folder, "shared/wire", name)).href);
  const { Reader } = await load("reader.ts");
  const { decodeCommands } = await load("gen/decode-commands.ts");
  decodeLater = (bytes, resolver) => {
    const calls: Call[] = [];
    const note =
      (_: object, name: string) =>
      (...values: unknown[]) => {
        calls.push([name, values.map(copy)]);
      };
    decodeCommands(new Reader(bytes), resolver, new Proxy({}, { get: note }));
    return calls;
  };
});
afterAll(() => rm(folder, { recursive: true }));

/** The reader uses its array of offsets again. */
function copy(value: unknown): unknown {
  return value instanceof Uint32Array ? value.slice() : value;
}

/** What this build reads, and what the later one does, without the arguments that it has more. */
function readBoth(bytes: Uint8Array, resolver: object): { before: Call[]; after: Call[] } {
  const before = decodeBatch(bytes, resolver);
  const after = decodeLater(bytes, resolver).map(([name, values], at): Call => [
    name,
    values.slice(0, before[at]?.[1].length),
  ]);
  return { before, after };
}

test("what is new makes it a minor version later", () => {
  expect([later.lock.major, later.lock.minor]).toEqual([now.lock.major, now.lock.minor + 1]);
  expect(later.commands.map(({ name }) => name)).toContain("renderPassEncoderAnew");
  expect(Object.keys(later.lock.arguments["renderPassEncoderDraw"]?.optional ?? {})).toHaveLength(
    4,
  );
});

test("it reads every command as it was meant", () => {
  for (const command of now.commands) {
    for (const values of fc.sample(fieldsOf(command.fields, now), { numRuns: 20, seed: 1 })) {
      const writer = new Writer(16);
      encodeCommand(writer, command, values);
      const { before, after } = readBoth(writer.view(), openResolver());
      expect(before.map(([name]) => name)).toEqual([command.name]);
      expect(after).toEqual(before);
    }
  }
});

test.for(await recordingVectors())("it reads $name as it was meant", async (vector) => {
  const resolver = { ...openResolver(), takePayload: (length: number) => new Uint8Array(length) };
  const { up } = await readVector(vector.path);
  const batches = batchesOf(up);
  expect(batches.length).toBeGreaterThan(1);
  for (const batch of batches) {
    const { before, after } = readBoth(batch, resolver);
    expect(after).toEqual(before);
  }
});
