import { Backoff } from "#client/relay/backoff.ts";

/** A program that stayed up for this long is started again with the shortest delay. */
export const HEALTHY_MS = 30_000;

/** How a program ended. */
export type End = {
  /** As a shell counts it. */
  readonly status: number;
  /** Why its connection ended before it did, in a sentence; absent where it ended by itself. */
  readonly lost?: string | undefined;
};

export type Surroundings = {
  readonly run: () => Promise<End>;
  readonly report: (sentence: string) => void;
  /** Somebody wants the program to end. */
  readonly stop: AbortSignal;
  /** Resolves after so many milliseconds, or at `stop`. */
  readonly wait: (milliseconds: number) => Promise<void>;
  /** In milliseconds. */
  readonly now: () => number;
};

/**
 * Runs a program, and again each time that it ended because its connection was lost. Resolves with the
 * last exit status. A program that ends with 0 has done what it was to do, whatever it lost.
 */
export async function keepRunning(surroundings: Surroundings): Promise<number> {
  const { run, report, stop, wait, now } = surroundings;
  let backoff = new Backoff();
  for (;;) {
    const began = now();
    const { status, lost } = await run();
    if (lost === undefined || status === 0 || stop.aborted) return status;
    if (now() - began >= HEALTHY_MS) backoff = new Backoff();
    const delay = backoff.next();
    report(
      `The program ended (${status}) after it lost its connection: ${lost} It is started again ` +
        `in ${(delay / 1000).toFixed(1)} s.`,
    );
    await wait(delay);
    if (stop.aborted) return status;
  }
}
