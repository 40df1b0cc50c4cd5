import { mkdtemp, open as openFile, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  encodePreamble,
  MAX_RECORD_BYTES,
  RECORD_HEADER_BYTES,
  type RecordingEnd,
} from "#server/recording/format.ts";
import { MAX_UNWRITTEN_BYTES, RecordingFile } from "#server/recording/recording-file.ts";
import { readVector, TEST_HEADER } from "#test/support/recordings.ts";

/** What the last record has room in. */
const END_BYTES = 1024;

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-recording-"));
  file = path.join(folder, "a.hgrec");
});
afterEach(() => rm(folder, { recursive: true }));

async function open(maxBytes = 1 << 30): Promise<{
  recording: RecordingFile;
  ended: Promise<RecordingEnd | Error>;
}> {
  const { promise: ended, resolve } = Promise.withResolvers<RecordingEnd | Error>();
  const options = { path: file, header: TEST_HEADER, maxBytes, ended: resolve };
  return { recording: await RecordingFile.create(options), ended };
}

test("what was recorded is read again, from a file that is its owner's alone", async () => {
  const { recording, ended } = await open();
  recording.up(Buffer.from("hello"));
  recording.mapped({ request: 1, bytes: 2, sha256: "ab".repeat(32) });
  recording.up(Buffer.from("again"));
  recording.end("The program closed the connection.");
  recording.end("Twice.");
  expect(await ended).toEqual({ why: "ended", sentence: "The program closed the connection." });
  const { header, up, mapped, isCutOff } = await readVector(file);
  expect(header).toEqual(TEST_HEADER);
  expect(up.map(String)).toEqual(["hello", "again"]);
  expect(mapped).toHaveLength(1);
  expect(isCutOff).toBe(false);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("a chunk that is longer than a record is cut", async () => {
  const { recording, ended } = await open();
  recording.up(Buffer.alloc(MAX_RECORD_BYTES + 1));
  recording.end("Over.");
  await ended;
  expect((await readVector(file)).up.map(({ length }) => length)).toEqual([MAX_RECORD_BYTES, 1]);
});

describe("the file's bound", () => {
  const fits = 100;
  const maxBytes = encodePreamble(TEST_HEADER).length + RECORD_HEADER_BYTES + fits + END_BYTES;

  test("is reached by what just fits", async () => {
    const { recording, ended } = await open(maxBytes);
    recording.up(Buffer.alloc(fits));
    recording.end("Over.");
    expect(await ended).toEqual({ why: "ended", sentence: "Over." });
    expect((await readVector(file)).up).toHaveLength(1);
  });

  test("ends it at one byte more, with a record that says so, and it takes no more", async () => {
    const { recording, ended } = await open(maxBytes);
    recording.up(Buffer.alloc(fits + 1));
    recording.up(Buffer.alloc(1));
    recording.end("Over.");
    const sentence = `The recording is as long as it may be (${maxBytes} bytes); its program went on.`;
    expect(await ended).toEqual({ why: "full", sentence });
    expect((await readVector(file)).up).toEqual([]);
    expect((await readFile(file)).length).toBeLessThan(maxBytes);
  });

  test("holds for a last word that is long and not ASCII", async () => {
    const { recording, ended } = await open(maxBytes);
    recording.up(Buffer.alloc(fits));
    recording.end("\u0000☃".repeat(10_000));
    await ended;
    expect((await readFile(file)).length).toBeLessThanOrEqual(maxBytes);
    expect((await readVector(file)).isCutOff).toBe(false);
  });
});

test("a program that is faster than the disk ends its recording, not the gateway's memory", async () => {
  const { recording, ended } = await open();
  const chunk = Buffer.alloc(MAX_RECORD_BYTES);
  // In one turn, in which the disk takes nothing.
  for (let bytes = 0; bytes <= MAX_UNWRITTEN_BYTES; bytes += chunk.length) recording.up(chunk);
  expect(await ended).toMatchObject({ why: "behind" });
  const { up, isCutOff } = await readVector(file);
  expect(up.length * chunk.length).toBeLessThanOrEqual(MAX_UNWRITTEN_BYTES);
  expect(isCutOff).toBe(false);
});

describe("a disk that is full", () => {
  test.for<{ what: string; bytes: number }>([
    { what: "as the last record is written", bytes: 0 },
    { what: "while the program sends", bytes: 100_000 },
  ])("is told once and as a failure, $what", async ({ bytes }) => {
    const told: (RecordingEnd | Error)[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const ended = (end: RecordingEnd | Error): void => {
      told.push(end);
      resolve();
    };
    const device = await openFile("/dev/full", "w"); // Takes no byte: ENOSPC.
    const recording = RecordingFile.to(device, {
      path: "/dev/full",
      header: TEST_HEADER,
      maxBytes: 1 << 30,
      ended,
    });
    if (bytes > 0) {
      recording.up(Buffer.alloc(bytes));
      await promise;
      recording.up(Buffer.alloc(bytes));
    }
    recording.end("The program ended.");
    await promise;
    await expect.poll(() => device.fd).toBe(-1); // Closed: nothing more is told.
    expect(told.map(String)).toEqual([
      "Error: The recording can't be written: ENOSPC: no space left on device, write.",
    ]);
  });
});

test("a file that is there is not written over", async () => {
  await writeFile(file, "mine");
  await expect(open()).rejects.toThrow("EEXIST");
  expect(await readFile(file, "utf8")).toBe("mine");
});
