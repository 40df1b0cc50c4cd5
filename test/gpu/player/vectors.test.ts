import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "#test/fuzz/random.ts";
import {
  type PlayedPicture,
  type PlayOptions,
  Player,
  type PlayerPlace,
} from "#server/player/player.ts";
import {
  encodePreamble,
  encodeRecordHeader,
  RECORD_HEADER_BYTES,
  RecordKind,
} from "#server/recording/format.ts";
import { RecordingReader } from "#server/recording/recording-reader.ts";
import { frame, UpFrame } from "#shared/wire/frames.ts";
import { PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import { writeHello } from "#shared/wire/handshake.ts";
import { Writer } from "#shared/wire/writer.ts";
import { recordingVectors, readVector, TEST_HEADER } from "#test/support/recordings.ts";
import { chunksOf, findPlace } from "./software-player.ts";

// The recordings in the tree, on the software GPU that they were made on: of this and of older minor versions.

const VECTORS = await recordingVectors();
const MAX_VECTOR_BYTES = 1_000_000;
const RANDOM_KILLS = 6;

let playerPlace: PlayerPlace;
let player: Player;
beforeAll(async () => {
  playerPlace = await findPlace();
  player = await Player.start(playerPlace);
});
afterAll(() => player[Symbol.asyncDispose]());

/** Hashes in the order in which they come. */
async function hashesOf(
  from: Player,
  bytes: Uint8Array,
  options: PlayOptions = {},
): Promise<string[]> {
  const hashes: string[] = [];
  const recording = await RecordingReader.open(chunksOf(bytes));
  const { refusal } = await from.play(recording, {
    ...options,
    hash: (hash) => hashes.push(hash.sha256),
  });
  expect(refusal).toBeUndefined();
  return hashes;
}

/** Where the header ends, and each message of the program. */
async function messageEnds(bytes: Uint8Array): Promise<number[]> {
  const recording = await RecordingReader.open(chunksOf(bytes));
  const ends = [encodePreamble(recording.header).length];
  for await (const entry of recording.entries()) {
    if (entry.kind === "up") ends.push(entry.offset + RECORD_HEADER_BYTES + entry.bytes.length);
  }
  return ends;
}

/** Kills the player's worker when so many bytes of the recording were sent to it; the hashes that came before. */
async function hashesUntilKilled(from: Player, bytes: Uint8Array, at: number): Promise<string[]> {
  const abort = new AbortController();
  async function* sent(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, at);
    abort.abort();
    yield bytes.subarray(at);
  }
  const hashes: string[] = [];
  const recording = await RecordingReader.open(sent());
  const hash = ({ sha256 }: { sha256: string }) => hashes.push(sha256);
  await expect(from.play(recording, { hash, signal: abort.signal })).rejects.toThrow(
    "The playback's worker ended at",
  );
  return hashes;
}

test("there are recordings of plain WebGPU, of three.js and of a computation, each small", async () => {
  const names = VECTORS.map(({ name }) => name.replace(/-\d+\.\d+$/, ""));
  expect(new Set(names)).toEqual(new Set(["compute", "plain", "three-orbit"]));
  for (const { path: file } of VECTORS) {
    expect((await readFile(file)).length).toBeLessThan(MAX_VECTOR_BYTES);
  }
});

describe.for(VECTORS)("$name", ({ path: file }) => {
  test("plays to the hashes that were recorded", { timeout: 60_000 }, async () => {
    const { pictures, mapped } = await readVector(file);
    const recording = await RecordingReader.open(createReadStream(file));
    const { comparison, refusal, ...played } = await player.play(recording);
    expect(refusal).toBeUndefined();
    expect(comparison.sentences).toEqual([]);
    expect(comparison.missing).toEqual([]);
    expect(comparison.same).toBe(pictures.length + mapped.length);
    expect(comparison.same).toBeGreaterThan(1);
    expect(played.isCutOff).toBe(false);
  });

  test("plays to the same hashes again", { timeout: 60_000 }, async () => {
    const bytes = await readFile(file);
    expect(await hashesOf(player, bytes)).toEqual(await hashesOf(player, bytes));
  });

  test(
    "plays to the same hashes after its worker was killed at any point of it",
    { timeout: 120_000 },
    async () => {
      const bytes = await readFile(file);
      const whole = await hashesOf(player, bytes);
      const ends = await messageEnds(bytes);
      const random = new Random(ends.length);
      // Before the first message and after it, after some in between, and after the last.
      const between = Array.from({ length: RANDOM_KILLS }, () => random.below(ends.length));
      for (const at of [0, 1, ...between, ends.length - 1]) {
        await using killed = await Player.start(playerPlace);
        const hashes = await hashesUntilKilled(killed, bytes, ends[at]!);
        expect(hashes).toEqual(whole.slice(0, hashes.length));
      }
      await using next = await Player.start(playerPlace);
      expect(await hashesOf(next, bytes)).toEqual(whole);
    },
  );

  test(
    "plays to the same hashes after its worker was killed at a hash",
    { timeout: 60_000 },
    async () => {
      const bytes = await readFile(file);
      const whole = await hashesOf(player, bytes);
      for (const point of [1, whole.length]) {
        await using killed = await Player.start(playerPlace);
        const abort = new AbortController();
        let come = 0;
        const recording = await RecordingReader.open(chunksOf(bytes));
        const hash = (): void => {
          come += 1;
          if (come === point) abort.abort();
        };
        await expect(killed.play(recording, { hash, signal: abort.signal })).rejects.toThrow(
          "The playback's worker ended at",
        );
      }
      expect(await hashesOf(player, bytes)).toEqual(whole);
    },
  );

  test("cut off anywhere, it plays to its end", { timeout: 60_000 }, async () => {
    const bytes = await readFile(file);
    const whole = await hashesOf(player, bytes);
    const header = encodePreamble((await readVector(file)).header).length;
    for (const part of [0, 0.3, 0.77, 0.99]) {
      const length = header + Math.floor((bytes.length - header) * part);
      const hashes = await hashesOf(player, bytes.subarray(0, length));
      expect(hashes).toEqual(whole.slice(0, hashes.length));
    }
  });
});

test("pictures come with their texels, at the time of their present", async () => {
  const plain = VECTORS.find(({ name }) => name.startsWith("plain"))!;
  const pictures: PlayedPicture[] = [];
  const recording = await RecordingReader.open(createReadStream(plain.path));
  await player.play(recording, { picture: async (each) => void pictures.push(each) });
  const [first] = pictures;
  expect(first?.texels).toHaveLength(first!.hash.width * first!.hash.height * 4);
  expect(pictures.map(({ time }) => time)).toEqual(
    pictures.map(({ time }) => time).toSorted((a, b) => a - b),
  );
});

test.for([
  { what: "a later minor", wire: { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR + 1 } },
  { what: "another major", wire: { major: PROTOCOL_MAJOR + 1, minor: 0 } },
])("a recording of $what of the wire is refused, and the player plays on", async ({ wire }) => {
  const [vector] = VECTORS;
  const bytes = await readFile(vector!.path);
  const { header } = await readVector(vector!.path);
  const records = bytes.subarray(encodePreamble(header).length);
  const newer = Buffer.concat([encodePreamble({ ...header, wire }), records]);
  const { major, minor } = wire;
  await expect(hashesOf(player, newer)).rejects.toThrow(
    `The recording is of version ${major}.${minor} of the wire, and this plays `,
  );
  expect(await hashesOf(player, bytes)).not.toEqual([]);
});

test("a stream that breaks the protocol is played to the breach, whose place is told", async () => {
  const writer = new Writer();
  writeHello(writer, "a test");
  const up = [
    frame(UpFrame.hello, writer.take()),
    frame(UpFrame.commands, Uint8Array.of(0xff, 0x7f)),
  ];
  const records = up.map((bytes) =>
    Buffer.concat([encodeRecordHeader(RecordKind.up, 0, bytes.length), bytes]),
  );
  const preamble = encodePreamble(TEST_HEADER);
  const recording = await RecordingReader.open(chunksOf(Buffer.concat([preamble, ...records])));
  const { refusal, isCutOff } = await player.play(recording);
  const place = preamble.length + records[0]!.length;
  expect(refusal).toMatch(new RegExp(`It is in the record at byte ${place}\\.$`));
  expect(isCutOff).toBe(true);
});
