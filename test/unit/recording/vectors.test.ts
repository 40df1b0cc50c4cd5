import { expect, test } from "vitest";
import { PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import { countCommands } from "#test/bench/codec.ts";
import { batchesOf, readVector, recordingVectors } from "#test/support/recordings.ts";

/** What test/vectors/record-samples.ts records. */
const PROGRAMS = ["compute", "plain", "three-orbit"];

test("each minor version of the wire has its recordings: record-samples.ts makes those of a new one", async () => {
  const minors = Array.from({ length: PROTOCOL_MINOR + 1 }, (_, minor) => minor);
  const names = PROGRAMS.flatMap((program) =>
    minors.map((minor) => `${program}-${PROTOCOL_MAJOR}.${minor}`),
  );
  const there = (await recordingVectors()).map(({ name }) => name);
  expect(there).toEqual(expect.arrayContaining(names));
});

// That they also draw what they drew is tested on a GPU: test/gpu/player.

test.for(await recordingVectors())("every command of $name is decoded", async ({ path }) => {
  const { header, up, isCutOff } = await readVector(path);
  expect(isCutOff).toBe(false);
  expect(header.wire.major).toBe(PROTOCOL_MAJOR);
  expect(header.wire.minor).toBeLessThanOrEqual(PROTOCOL_MINOR);
  const commands = batchesOf(up).reduce((sum, batch) => sum + countCommands(batch), 0);
  expect(commands).toBeGreaterThan(20);
});
