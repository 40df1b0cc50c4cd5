import { describe, expect, test } from "vitest";
import type { WorkerCommand, WorkerProgram } from "#server/confine/command.ts";
import { findConfinement } from "#server/confine/confinement.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { RecordingReader } from "#server/recording/recording-reader.ts";
import {
  writeDeviceCreateBuffer,
  writeDeviceCreateSampler,
  writeQueueOnSubmittedWorkDone,
  writeQueueWriteBuffer,
} from "#shared/wire/gen/write-commands.ts";
import { writeDispatch } from "#test/support/dispatch.ts";
import { RecordedGuest } from "#test/support/recorded-guest.ts";
import { TEST_HEADER } from "#test/support/recordings.ts";
import { chunksOf, startPlayer } from "./software-player.ts";

// What a file may do to who plays it, whatever it says.

const COPY_DST = 8;
const STORAGE = 128;
const WRITE_BYTES = 64 * 1024;

const ENDLESS =
  "while (atomicLoad(&state[0]) == 0) { atomicAdd(&state[0], 2); atomicSub(&state[0], 2); }";

/** Dispatches a shader once, and waits until it is done before it goes on with so many writes of 64 KiB. */
async function dispatch(guest: RecordedGuest, loop: string, writes: number): Promise<void> {
  const { writer } = guest;
  const buffer = guest.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, buffer, { size: WRITE_BYTES, usage: STORAGE | COPY_DST });
  const code = `@group(0) @binding(0) var<storage, read_write> state: array<atomic<u32>, 1>;
    @compute @workgroup_size(1) fn main() { ${loop} }`;
  writeDispatch(guest, buffer, code);
  if (writes > 0) writeQueueOnSubmittedWorkDone(writer, guest.request());
  await guest.send();
  for (let count = 0; count < writes; count++) {
    writeQueueWriteBuffer(writer, buffer, 0, new Uint8Array(WRITE_BYTES));
    await guest.send();
  }
}

test("a worker may not read what its player hides", async () => {
  const confinement = await findConfinement("auto", process.env["PATH"] ?? "");
  const programs: WorkerProgram[] = [];
  const command = (program: WorkerProgram): WorkerCommand => {
    programs.push(program);
    return confinement.command(program);
  };
  const secrets = ["/somewhere/state", "/somewhere/a.hgrec"];
  await using _ = await startPlayer({ confinement: { ...confinement, command }, secrets });
  expect(programs.map((program) => program.secrets)).toEqual([secrets]);
});

describe("a submit", () => {
  test.for([
    { what: "ends is played", loop: "atomicAdd(&state[0], 2);", writes: 0, says: "played" },
    {
      what: "ends is played, and what waits for it",
      loop: "atomicAdd(&state[0], 2);",
      writes: 256,
      says: "played",
    },
    {
      what: "never ends kills its worker, and it is told why",
      loop: ENDLESS,
      writes: 0,
      says: /^PlayerError: The playback's worker ended at the recording's end\. A submit held the GPU for [12]\.\d s, past the deadline/,
    },
    {
      what: "never ends kills its worker also while more is being written to it",
      loop: ENDLESS,
      writes: 256,
      says: /^PlayerError: The playback's worker ended at the record at byte \d+\. A submit held the GPU for [12]\.\d s, past the deadline/,
    },
  ])("that $what", { timeout: 30_000 }, async ({ loop, writes, says }) => {
    await using player = await startPlayer({ submitDeadlineMs: 1_000 });
    const guest = new RecordedGuest();
    await guest.unansweredDevice();
    await dispatch(guest, loop, writes);
    const recording = await RecordingReader.open(chunksOf(guest.recording()));
    const told = await player.play(recording).then(
      ({ refusal }) => refusal ?? "played",
      (error: unknown) => String(error),
    );
    expect(told).toMatch(says);
  });
});

describe("a file that names more objects than the default", () => {
  const most = DEFAULT_BOUNDS.objects;
  // Adapter, device and its queue are objects as well.
  test.for([
    { trustsBounds: false, made: most - 10, refused: false },
    { trustsBounds: false, made: most + 1, refused: true },
    { trustsBounds: true, made: most + 1, refused: false },
  ])(
    "and has its bounds trusted ($trustsBounds) has $made objects refused: $refused",
    { timeout: 60_000 },
    async ({ trustsBounds, made, refused }) => {
      await using player = await startPlayer();
      const guest = new RecordedGuest();
      await guest.unansweredDevice();
      for (let count = 1; count <= made; count++) {
        writeDeviceCreateSampler(guest.writer, guest.make("GPUSampler"), {});
        if (count % 10_000 === 0) await guest.send();
      }
      await guest.send();
      const bounds = { ...DEFAULT_BOUNDS, objects: 2 * most };
      const bytes = guest.recording({ ...TEST_HEADER, bounds });
      const recording = await RecordingReader.open(chunksOf(bytes));
      const { refusal } = await player.play(recording, { trustsBounds });
      expect(refusal !== undefined).toBe(refused);
      expect(refusal ?? `${most}`).toContain(`${most}`);
    },
  );
});
