import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PlayedPicture, Player, PlayOptions } from "#server/player/player.ts";
import { encodePreamble, encodeRecordHeader, RecordKind } from "#server/recording/format.ts";
import { RecordingReader } from "#server/recording/recording-reader.ts";
import { frame, UpFrame } from "#shared/wire/frames.ts";
import { writeHello } from "#shared/wire/handshake.ts";
import { Writer } from "#shared/wire/writer.ts";
import { recordingVectors, readVector, TEST_HEADER } from "#test/support/recordings.ts";
import { chunksOf, startPlayer } from "./software-player.ts";

// The recordings in the tree, on the software GPU that they were made on: of this and of older minor versions.

const VECTORS = await recordingVectors();
const MAX_VECTOR_BYTES = 1_000_000;

let player: Player;
beforeAll(async () => {
  player = await startPlayer();
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

  test(
    "plays to the same hashes again, also after its worker was killed at any point of it",
    { timeout: 120_000 },
    async () => {
      const bytes = await readFile(file);
      const whole = await hashesOf(player, bytes);
      for (const point of [1, Math.ceil(whole.length / 2), whole.length]) {
        await using killed = await startPlayer();
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
