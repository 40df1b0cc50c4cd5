import { PlayedProcess } from "../hosts/played-process.ts";
import type { Target } from "../target.ts";
import { WireGenerator } from "../wire/generate.ts";
import { RecordedStreams } from "../wire/recorded.ts";

const MIB = 1024 * 1024;

/** `flags` are Dawn's. */
function replayTarget(name: string, what: string, share: number, flags: readonly string[]) {
  return async (): Promise<Target> => {
    const generator = await WireGenerator.load();
    const recorded = await RecordedStreams.load();
    return {
      name,
      what,
      share,
      maxGrowth: 64 * MIB,
      open: () => PlayedProcess.openWorker("./replay.ts", flags),
      generate: (random) => recorded.orElse(random, generator.generate(random)),
    };
  };
}

export const replay = replayTarget(
  "replay",
  "a guest's commands, to replay on Dawn's null backend",
  560_000,
  ["backend=null"],
);

export const replaySoftware = replayTarget(
  "replay-software",
  "a guest's commands, to replay on the software GPU",
  20_000,
  [],
);
