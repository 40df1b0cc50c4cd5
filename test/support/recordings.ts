import { createReadStream } from "node:fs";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import type { MappedHash, PictureHash, RecordingHeader } from "#server/recording/format.ts";
import { RecordingReader } from "#server/recording/recording-reader.ts";

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

/** A header for recordings that a test makes. */
export const TEST_HEADER: RecordingHeader = {
  wire: { major: 1, minor: 0 },
  session: "vm",
  connection: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  adapter: { name: "none", isSoftware: true },
  bounds: DEFAULT_BOUNDS,
};
