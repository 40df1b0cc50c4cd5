import { createReadStream } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { findConfinement } from "#server/confine/confinement.ts";
import { Player } from "#server/player/player.ts";
import { RecordingReader } from "#server/recording/recording-reader.ts";
import { probeGpu } from "#server/session/gpu-probe.ts";
import { batchesOf, readVector, recordingVectors } from "#test/support/recordings.ts";
import { countCommands, measureDecode } from "./codec.ts";
import { type Figure, medianFigure } from "./figures.ts";
import { spreadOf } from "./statistics.ts";
import type { SuiteOptions } from "./suite.ts";

/** What the recordings in the tree cost: to decode, a command, and to play on the software GPU, each as a whole. */
export async function replay({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  const rounds = isQuick ? 2 : 10;
  const cacheFolder = path.join(homedir(), ".cache", "heliograph");
  const { gpu, attempts } = await probeGpu({ wanted: "software", cacheFolder });
  if (gpu === undefined) throw new Error(attempts.join(" "));
  const confinement = await findConfinement("auto", process.env["PATH"] ?? "");
  await using player = await Player.start({ gpu, confinement, runtimeFolder: tmpdir() });
  const figures: Figure[] = [];
  for (const { name: vector, path: file } of await recordingVectors()) {
    say(vector);
    const name = vector.replaceAll(/\W/g, "_"); // A dot parts a key.
    const batch = new Uint8Array(Buffer.concat(batchesOf((await readVector(file)).up)));
    const decode = measureDecode(batch, countCommands(batch), rounds);
    figures.push(medianFigure(`decode_ns_per_command_${name}`, spreadOf(decode)));
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const recording = await RecordingReader.open(createReadStream(file));
      const start = performance.now();
      await player.play(recording);
      times.push(performance.now() - start);
    }
    figures.push(medianFigure(`play_ms_${name}`, spreadOf(times)));
  }
  return figures;
}
