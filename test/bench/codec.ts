import { decodeCommands } from "#shared/wire/gen/decode-commands.ts";
import type { CommandSink } from "#shared/wire/gen/command-sink.ts";
import type { ObjectMap, ObjectResolver } from "#shared/wire/gen/objects.ts";
import { ObjectKind, Opcode } from "#shared/wire/gen/numbers.ts";
import { Reader } from "#shared/wire/reader.ts";

const OBJECT = {};

/** Answers every id with the same object: what a table look-up costs is the replayer's. */
function oneObject(): ObjectResolver<ObjectMap> {
  const answers: unknown[][] = Object.keys(ObjectKind).map((kind) => [kind, () => OBJECT]);
  return Object.fromEntries([
    ...answers,
    ["takePayload", (length: number) => new Uint8Array(length)],
  ]);
}

function sinkOf(method: () => void): CommandSink<ObjectMap> {
  const methods: unknown[][] = Object.keys(Opcode).map((name) => [name, method]);
  return Object.fromEntries(methods);
}

export function countCommands(batch: Uint8Array): number {
  let commands = 0;
  const count = (): void => {
    commands += 1;
  };
  decodeCommands(new Reader(batch), oneObject(), sinkOf(count));
  return commands;
}

/** Nanoseconds to decode one command of a batch into calls that do nothing; one sample a round. */
export function measureDecode(batch: Uint8Array, commands: number, rounds: number): number[] {
  const reader = new Reader(batch);
  const objects = oneObject();
  const sink = sinkOf(() => {});
  const samples: number[] = [];
  for (let round = -3; round < rounds; round++) {
    reader.reset(batch);
    const start = process.hrtime.bigint();
    decodeCommands(reader, objects, sink);
    const nanoseconds = Number(process.hrtime.bigint() - start);
    // The first rounds run before the compiler has seen the loop.
    if (round >= 0) samples.push(nanoseconds / commands);
  }
  return samples;
}
