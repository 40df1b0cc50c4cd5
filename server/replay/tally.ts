/**
 * What programs do that is bounded, and that the host's admin is to see by session:
 * - `memory_refusals`: objects and maps that were refused, since the session's memory was used up;
 * - `compiles`: shader modules and pipelines;
 * - `uncaptured_errors`: errors that no scope of the program took;
 * - `lost_devices`: devices that were lost since a command went over a bound.
 */
export const TALLIED = [
  "memory_refusals",
  "compiles",
  "uncaptured_errors",
  "lost_devices",
] as const;
export type Tallied = (typeof TALLIED)[number];

/** Counts what a session's programs did since it was last told. */
export class Tally {
  #counts = new Map<Tallied, number>();

  count(event: Tallied): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + 1);
  }

  /** Without what did not happen. Starts over. */
  take(): Partial<Record<Tallied, number>> {
    const counts = Object.fromEntries(this.#counts);
    this.#counts = new Map();
    return counts;
  }
}
