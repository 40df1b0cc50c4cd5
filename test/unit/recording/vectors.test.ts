import { expect, test } from "vitest";
import { PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import { countCommands } from "#test/bench/codec.ts";
import { batchesOf, readVector, recordingVectors } from "#test/support/recordings.ts";

// That they also draw what they drew is tested on a GPU: test/gpu/player.

test.for(await recordingVectors())("every command of $name is decoded", async ({ path }) => {
  const { header, up, isCutOff } = await readVector(path);
  expect(isCutOff).toBe(false);
  expect(header.wire.major).toBe(PROTOCOL_MAJOR);
  expect(header.wire.minor).toBeLessThanOrEqual(PROTOCOL_MINOR);
  const commands = batchesOf(up).reduce((sum, batch) => sum + countCommands(batch), 0);
  expect(commands).toBeGreaterThan(20);
});
