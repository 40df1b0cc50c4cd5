import { copyFile, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import { Stack } from "#test/support/stack.ts";

// node test/vectors/record-samples.ts: records the sample programs through a gateway of its own, on the software GPU, into
// test/vectors/recordings. A vector that is there stays: what an older version recorded must go on to play.

const FOLDER = fileURLToPath(new URL("recordings", import.meta.url));

/** Nobody watches: as many frames come in a second, and so few are kept. */
const FRAMES_A_SECOND = 4;
const SECONDS = 3;

const PROGRAMS = ["plain", "three-orbit", "compute"] as const;

const there = await readdir(FOLDER);
for (const program of PROGRAMS) {
  const vector = `${program}-${PROTOCOL_MAJOR}.${PROTOCOL_MINOR}.hgrec`;
  if (there.includes(vector)) continue;
  // A stack for each: its session has one program.
  await using stack = await Stack.start({
    config: {
      gpu: "software",
      unwatchedFrameRate: FRAMES_A_SECOND,
      profiles: { default: { record: true, size: { width: 160, height: 120 } } },
    },
  });
  const run = stack.run(`${program}.js`);
  await stack.gateway.line(/"event":"guest\.connected"/);
  const timer = setTimeout(() => process.kill(run.pid, "SIGTERM"), SECONDS * 1000);
  await run.ended;
  clearTimeout(timer);
  await stack.gateway.line(/"event":"recording\.ended"/);
  const recordings = path.join(stack.folder, "recordings", "vm");
  const [recording] = await readdir(recordings);
  if (recording === undefined) throw new Error(`${program} left no recording.`);
  await copyFile(path.join(recordings, recording), path.join(FOLDER, vector));
  await rm(recordings, { recursive: true });
  process.stdout.write(`${vector}\n`);
}
