import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodePreamble,
  encodeRecordHeader,
  MAX_ADAPTER_CHARACTERS,
  MAX_HEADER_BYTES,
  MAX_JSON_RECORD_BYTES,
  MAX_RECORD_BYTES,
  PREAMBLE_BYTES,
  RECORD_HEADER_BYTES,
  RECORDING_MAJOR,
  RecordKind,
} from "#server/recording/format.ts";
import {
  type RecordingEntry,
  RecordingError,
  RecordingReader,
  type RecordingRest,
} from "#server/recording/recording-reader.ts";
import { TEST_HEADER } from "#test/support/recordings.ts";

const PREAMBLE = encodePreamble(TEST_HEADER);

function record(kind: number, payload: Uint8Array | object, time = 0): Buffer {
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  return Buffer.concat([encodeRecordHeader(kind, time, bytes.length), bytes]);
}

const HASH = {
  number: 1,
  surface: 1,
  width: 2,
  height: 2,
  format: "bgra8unorm",
  sha256: "ab".repeat(32),
};
const UP = record(RecordKind.up, Buffer.from("abc"), 5);
const PICTURE = record(RecordKind.picture, HASH, 6);
const MAPPED = record(RecordKind.mapped, { request: 3, bytes: 4, sha256: "cd".repeat(32) }, 7);
const END = record(RecordKind.end, { why: "ended", sentence: "Over." }, 8);
const WHOLE = Buffer.concat([PREAMBLE, UP, PICTURE, MAPPED, END]);

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(
  bytes: Uint8Array,
  size = 64 * 1024,
): Promise<{ entries: RecordingEntry[]; rest: RecordingRest }> {
  const recording = await RecordingReader.open(chunksOf(bytes, size));
  expect(recording.header).toEqual(TEST_HEADER);
  const entries: RecordingEntry[] = [];
  const all = recording.entries();
  for (;;) {
    const next = await all.next();
    if (next.done === true) return { entries, rest: next.value };
    entries.push(next.value);
  }
}

const kinds = (entries: readonly RecordingEntry[]) => entries.map(({ kind }) => kind);

test.for([1, 7, 4096])("in chunks of %i bytes, all that was recorded is read", async (size) => {
  const { entries, rest } = await read(WHOLE, size);
  expect(kinds(entries)).toEqual(["up", "picture", "mapped", "end"]);
  expect(entries[0]).toMatchObject({ offset: PREAMBLE.length, time: 5, bytes: Buffer.from("abc") });
  expect(entries[1]).toMatchObject({ time: 6, hash: HASH });
  expect(rest).toEqual({ isCutOff: false, offset: WHOLE.length });
});

test("cut at any byte after its header, a recording is read to the last whole record", async () => {
  const ends = [UP, PICTURE, MAPPED, END].reduce<number[]>(
    (all, each) => [...all, all.at(-1)! + each.length],
    [PREAMBLE.length],
  );
  for (let length = PREAMBLE.length; length < WHOLE.length; length++) {
    const { entries, rest } = await read(WHOLE.subarray(0, length));
    const offset = ends.findLast((end) => end <= length);
    expect(rest).toEqual({ isCutOff: true, offset });
    expect(entries).toHaveLength(ends.indexOf(offset!));
  }
});

test("cut within its header, it is said to have nothing left, at any byte", async () => {
  for (let length = 1; length < PREAMBLE.length; length++) {
    await expect(read(PREAMBLE.subarray(0, length))).rejects.toThrow(
      `The file ends within its header, at byte ${length}`,
    );
  }
});

test("what follows the last record is not looked at", async () => {
  const { entries, rest } = await read(Buffer.concat([WHOLE, Buffer.from("rubbish")]));
  expect(entries).toHaveLength(4);
  expect(rest).toEqual({ isCutOff: false, offset: WHOLE.length });
});

test("a later minor's members and kinds of records are passed over", async () => {
  const header = { ...TEST_HEADER, moon: "full" };
  const hash = { ...HASH, colours: 7 };
  const preamble = encodePreamble(header);
  preamble.writeUInt16LE(9, 10);
  const later = [preamble, record(200, Buffer.alloc(99)), record(RecordKind.picture, hash), END];
  const { entries } = await read(Buffer.concat(later));
  expect(kinds(entries)).toEqual(["picture", "end"]);
});

test("an earlier minor's header, without a bound that came later, has the default in its place", async () => {
  const { objects: _, ...bounds } = TEST_HEADER.bounds;
  const header = Buffer.from(JSON.stringify({ ...TEST_HEADER, bounds }));
  const preamble = Buffer.from(PREAMBLE.subarray(0, PREAMBLE_BYTES));
  preamble.writeUInt32LE(header.length, 12);
  const { entries } = await read(Buffer.concat([preamble, header, UP, END]));
  expect(kinds(entries)).toEqual(["up", "end"]);
});

const named = (name: string) => ({ adapter: { name, isSoftware: true } });

describe("a header's texts, which are shown", () => {
  test.for<{ what: string; header: object; refused?: string }>([
    { what: "an adapter's longest name", header: named("x".repeat(MAX_ADAPTER_CHARACTERS)) },
    { what: "an adapter's name of other letters", header: named("Графика 3D (猫)") },
    {
      what: "an adapter's name that is one character longer",
      header: named("x".repeat(MAX_ADAPTER_CHARACTERS + 1)),
      refused: "adapter.name",
    },
    {
      what: "an adapter's name that sets the window's title",
      header: named("a\u001B]0;b\u0007"),
      refused: "adapter.name",
    },
    {
      what: "an adapter's name with a line of its own",
      header: named("a\nAll 12 recorded hashes are the same."),
      refused: "adapter.name",
    },
    { what: "a session's longest name", header: { session: "x".repeat(64) } },
    { what: "a session's longer name", header: { session: "x".repeat(65) }, refused: "session" },
    { what: "a session of no such name", header: { session: "vm\n" }, refused: "session" },
    { what: "a time without milliseconds", header: { startedAt: "2026-01-01T00:00:00Z" } },
    { what: "a time that is none", header: { startedAt: "now\u001B[2J" }, refused: "startedAt" },
    {
      what: "a time that goes on",
      header: { startedAt: `2026-01-01T00:00:00.${"0".repeat(12)}Z` },
      refused: "startedAt",
    },
  ])("are read of $what, or refused by name: $refused", async ({ header, refused }) => {
    const changed = { ...TEST_HEADER, ...header };
    const opened = await RecordingReader.open(chunksOf(encodePreamble(changed), 64)).then(
      (recording) => recording.header,
      (error: unknown) => /not as it should be: ([\w.]+): /.exec(String(error))?.[1],
    );
    expect(opened).toEqual(refused ?? changed);
  });
});

function preambleOf(edit: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(PREAMBLE);
  edit(bytes);
  return bytes;
}

const after = (...records: Uint8Array[]) => Buffer.concat([PREAMBLE, ...records]);
const AT = PREAMBLE.length;

describe("a file that is no recording ends with a sentence", () => {
  test.for<{ what: string; bytes: Uint8Array; says: string | RegExp }>([
    { what: "empty", bytes: Buffer.alloc(0), says: "The file is empty: it is no recording." },
    {
      what: "of another kind",
      bytes: Buffer.from("\x89PNG\r\n\x1a\n"),
      says: "The file does not begin as a recording does: it is none.",
    },
    {
      what: "of a later major version",
      bytes: preambleOf((bytes) => bytes.writeUInt16LE(RECORDING_MAJOR + 1, 8)),
      says: "The recording is of version 2.0 of the format, and this reads 1: use the release that recorded it.",
    },
    {
      what: "whose header is one byte too long",
      bytes: preambleOf((bytes) => bytes.writeUInt32LE(MAX_HEADER_BYTES + 1, 12)),
      says: `The header at byte ${PREAMBLE_BYTES} (16385 bytes) is over the limit (16384).`,
    },
    {
      what: "whose header is no JSON",
      bytes: preambleOf((bytes) => bytes.write("x", PREAMBLE_BYTES)),
      says: `The header at byte ${PREAMBLE_BYTES} is not JSON.`,
    },
    {
      what: "with a record one byte too long",
      bytes: after(encodeRecordHeader(RecordKind.up, 0, MAX_RECORD_BYTES + 1)),
      says: `The record at byte ${AT} (kind 1, 1048577 bytes) is over the limit (1048576).`,
    },
    {
      what: "with an unknown record one byte too long",
      bytes: after(encodeRecordHeader(99, 0, MAX_RECORD_BYTES + 1)),
      says: `The record at byte ${AT} (kind 99, 1048577 bytes) is over the limit (1048576).`,
    },
    {
      what: "with a hash one byte too long",
      bytes: after(UP, encodeRecordHeader(RecordKind.picture, 0, MAX_JSON_RECORD_BYTES + 1)),
      says: `The record at byte ${AT + UP.length} (kind 2, 8193 bytes) is over the limit (8192).`,
    },
    {
      what: "with a hash that is no JSON",
      bytes: after(record(RecordKind.mapped, Buffer.from("{"))),
      says: `The buffer at byte ${AT} is not JSON.`,
    },
    {
      what: "with a picture without a number",
      bytes: after(record(RecordKind.picture, { ...HASH, number: 0 })),
      says: new RegExp(`^The picture at byte ${AT} is not as it should be: number: `),
    },
  ])("where it is $what", async ({ bytes, says }) => {
    await expect(read(bytes)).rejects.toThrow(RecordingError);
    await expect(read(bytes)).rejects.toThrow(says);
  });
});

test("a record as long as may be is read", async () => {
  const longest = record(RecordKind.up, Buffer.alloc(MAX_RECORD_BYTES));
  const { entries, rest } = await read(after(longest));
  expect(kinds(entries)).toEqual(["up"]);
  expect(rest.offset).toBe(AT + RECORD_HEADER_BYTES + MAX_RECORD_BYTES);
});

test("whatever is changed in a recording, it is read or refused with a sentence", async () => {
  const change = fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      const bytes = Buffer.from(WHOLE);
      for (const [at, value] of changes) bytes[at] = value;
      const entries = (await readOrRefusal(bytes)) ?? [];
      expect(entries.length).toBeLessThan(WHOLE.length / RECORD_HEADER_BYTES);
    }),
    { seed: 4, numRuns: 2000 },
  );
});

/** Undefined where a sentence refuses it; whatever else is thrown is a fault. */
async function readOrRefusal(bytes: Uint8Array): Promise<RecordingEntry[] | undefined> {
  const entries: RecordingEntry[] = [];
  try {
    const recording = await RecordingReader.open(chunksOf(bytes, 100));
    for await (const entry of recording.entries()) entries.push(entry);
  } catch (error) {
    if (error instanceof RecordingError) return undefined;
    throw error;
  }
  return entries;
}
