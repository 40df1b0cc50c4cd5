import path from "node:path";
import { readFile } from "node:fs/promises";
import type { Command } from "#codegen/commands.ts";
import { capitalize } from "#codegen/commands.ts";
import { buildContext, type Context } from "#codegen/context.ts";
import { LOCK_PATH } from "#codegen/generate.ts";
import { LOCK } from "#codegen/lock.ts";
import { loadModel } from "#codegen/model.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import * as decode from "#shared/wire/gen/decode-commands.ts";
import { ObjectKind, Opcode } from "#shared/wire/gen/numbers.ts";
import * as read from "#shared/wire/gen/read-dictionaries.ts";
import * as writeCommands from "#shared/wire/gen/write-commands.ts";
import * as write from "#shared/wire/gen/write-dictionaries.ts";
import { Reader } from "#shared/wire/reader.ts";
import { Writer } from "#shared/wire/writer.ts";
import type { Values } from "./arbitraries.ts";

// The generated functions by name, so that a test can go through all of them.

export const ROOT = path.join(import.meta.dirname, "../../..");

export async function loadContext(): Promise<Context> {
  const lock = LOCK.parse(JSON.parse(await readFile(path.join(ROOT, LOCK_PATH), "utf8")));
  return buildContext(await loadModel(), lock);
}

export type Call = readonly [name: string, arguments: readonly unknown[]];

/** A sink that notes what it is called with. */
function recordingSink(): { readonly sink: object; readonly calls: Call[] } {
  const calls: Call[] = [];
  const sink = Object.fromEntries(
    Object.keys(Opcode).map((name) => [
      name,
      (...values: unknown[]) => {
        calls.push([name, values.map(keep)]);
      },
    ]),
  );
  return { sink, calls };
}

/** The reader uses its array of offsets again. */
function keep(value: unknown): unknown {
  return value instanceof Uint32Array ? value.slice() : value;
}

/** Every id names an object, and no payload is staged, or this one. */
export function openResolver(payload?: Uint8Array): object {
  const objects = Object.entries(ObjectKind).map(
    ([name, kind]) => [name, (id: number) => ({ kind, id })] as const,
  );
  return {
    ...Object.fromEntries(objects),
    takePayload(length: number): Uint8Array {
      if (payload?.length === length) return payload;
      throw new ProtocolError(`No payload of ${length} bytes is staged.`);
    },
  };
}

export function encodeCommand(writer: Writer, command: Command, values: Values): void {
  const list = command.fields.flatMap(({ name, type }) => {
    const value = values[name];
    return type.kind === "offsets" && Array.isArray(value) ? [value, 0, value.length] : [value];
  });
  call(writeCommands, `write${capitalize(command.name)}`, [writer, ...list]);
}

/** Decodes whole batches; returns what the sink was called with. */
export function decodeBatch(bytes: Uint8Array, resolver: object = openResolver()): Call[] {
  const { sink, calls } = recordingSink();
  call(decode, "decodeCommands", [new Reader(bytes), resolver, sink]);
  return calls;
}

export function roundTrip(name: string, value: unknown): unknown {
  const writer = new Writer(16);
  call(write, `write${name}`, [writer, value]);
  const reader = new Reader(writer.view());
  const result = call(read, `read${name}`, [reader, openResolver()]);
  reader.finish();
  return result;
}

function call(module: object, name: string, values: readonly unknown[]): unknown {
  const target: unknown = Reflect.get(module, name);
  if (typeof target !== "function") throw new Error(`The codec has no ${name}.`);
  const result: unknown = Reflect.apply(target, undefined, values);
  return result;
}
