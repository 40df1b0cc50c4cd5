import { MAX_LEG_SAMPLES, WORKER_LEGS, type WorkerLeg } from "./messages.ts";

/** What a frame costs, stage by stage, since the last report. Times are milliseconds. */
export class StageTimes {
  #sums = new Map<string, { sum: number; count: number; highest: number }>();
  #counts = new Map<string, number>();
  #legs: Partial<Record<WorkerLeg, number[]>> = {};

  /** A frame spent this long in the stage. */
  time(stage: string, milliseconds: number): void {
    const entry = this.#sums.get(stage) ?? { sum: 0, count: 0, highest: 0 };
    entry.sum += milliseconds;
    entry.count++;
    entry.highest = Math.max(entry.highest, milliseconds);
    this.#sums.set(stage, entry);
    const leg = WORKER_LEGS.find((each) => each === stage);
    if (leg === undefined) return;
    const times = (this.#legs[leg] ??= []);
    if (times.length < MAX_LEG_SAMPLES) times.push(Math.max(0, milliseconds));
  }

  count(event: string, by = 1): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + by);
  }

  /** For each stage `<stage>_ms` (mean) and `<stage>_max_ms`; for each event its count. Starts over. */
  take(): Record<string, number> {
    const report: Record<string, number> = Object.fromEntries(this.#counts);
    for (const [stage, { sum, count, highest }] of this.#sums) {
      report[`${stage}_ms`] = sum / count;
      report[`${stage}_max_ms`] = highest;
    }
    this.#sums = new Map();
    this.#counts = new Map();
    return report;
  }

  /** For each leg the times of its frames since the last call. */
  takeLegs(): Partial<Record<WorkerLeg, number[]>> {
    const legs = this.#legs;
    this.#legs = {};
    return legs;
  }
}
