import { fileURLToPath } from "node:url";
import type { Command } from "#test/support/stack.ts";

/** Serves as `heliograph serve` does, and prints lines of stats. */
export const STATS_GATEWAY = fileURLToPath(new URL("programs/gateway.ts", import.meta.url));

export type BenchStats =
  | {
      readonly from: "media";
      /** Since the session began. */
      readonly framesSent: number;
      /** Of the viewers that are there, since they joined. */
      readonly packetsLost: number;
      /** Of the last second. */
      readonly presentToSentMs: readonly number[];
      readonly bitrate: number;
    }
  /** Of the last second. */
  | { readonly from: "worker"; readonly stages: Readonly<Record<string, number>> };

/** What the gateway has printed since the `from`th line. */
export function readStats(gateway: Command, from = 0): BenchStats[] {
  return gateway.lines
    .slice(from)
    .filter((line) => line.startsWith("stats "))
    .map((line) => JSON.parse(line.slice("stats ".length)));
}

/** The sum of a stage's counter over all that workers told. */
export function workerCount(stats: readonly BenchStats[], counter: string): number {
  let sum = 0;
  for (const each of stats) if (each.from === "worker") sum += each.stages[counter] ?? 0;
  return sum;
}

export function presentToSent(stats: readonly BenchStats[]): number[] {
  return stats.flatMap((each) => (each.from === "media" ? each.presentToSentMs : []));
}
