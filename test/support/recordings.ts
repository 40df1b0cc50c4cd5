import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import type { MappedHash, PictureHash, RecordingHeader } from "#server/recording/format.ts";
import { RecordingReader } from "#server/recording/recording-reader.ts";
import { FrameReader, UpFrame } from "#shared/wire/frames.ts";

const FOLDER = fileURLToPath(new URL("../vectors/recordings", import.meta.url));

/** A recording of the tree. */
export type Vector = {
  /** As its file, without the ending. */
  readonly name: string;
  readonly path: string;
};

/** The recordings that test/vectors/record-samples.ts made, of this and of older minor versions of the wire. */
export async function recordingVectors(): Promise<readonly Vector[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".hgrec")).toSorted();
  return files.map((file) => ({
    name: path.basename(file, ".hgrec"),
    path: path.join(FOLDER, file),
  }));
}

export type ReadVector = {
  readonly header: RecordingHeader;
  /** What the program sent, cut as it came. */
  readonly up: readonly Uint8Array[];
  readonly pictures: readonly PictureHash[];
  readonly mapped: readonly MappedHash[];
  readonly isCutOff: boolean;
};

/** A whole recording. Throws RecordingError. */
export async function readVector(file: string): Promise<ReadVector> {
  const recording = await RecordingReader.open(createReadStream(file));
  const up: Uint8Array[] = [];
  const pictures: PictureHash[] = [];
  const mapped: MappedHash[] = [];
  const entries = recording.entries();
  for (;;) {
    const next = await entries.next();
    if (next.done === true) {
      return { header: recording.header, up, pictures, mapped, isCutOff: next.value.isCutOff };
    }
    if (next.value.kind === "up") up.push(next.value.bytes);
    else if (next.value.kind === "picture") pictures.push(next.value.hash);
    else if (next.value.kind === "mapped") mapped.push(next.value.hash);
  }
}

/** The batches of commands among up bytes, each whole: seeds of a fuzzer, work of a benchmark. */
export function batchesOf(up: readonly Uint8Array[]): readonly Uint8Array[] {
  const frames = new FrameReader();
  const batches: Uint8Array[] = [];
  for (const bytes of up) {
    for (const { kind, payload } of frames.push(bytes)) {
      if (kind === UpFrame.commands) batches.push(payload.slice());
    }
  }
  return batches;
}

/** A header for recordings that a test makes. */
export const TEST_HEADER: RecordingHeader = {
  wire: { major: 1, minor: 0 },
  session: "vm",
  connection: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  adapter: { name: "none", isSoftware: true },
  bounds: DEFAULT_BOUNDS,
};
