import { setTimeout as delay } from "node:timers/promises";
import { threadsMs } from "#test/support/processes.ts";
import type { Stack } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "../figures.ts";
import { spreadOf } from "../statistics.ts";
import type { SuiteOptions } from "../suite.ts";
import { LOAD, loaded, SETTLE_MS, startStack } from "./load.ts";

const MOST_MS = 1000;
const TIMEOUT_MS = 10_000;

/** The outside measure looks back so far: slices of the scheduler are a few milliseconds long. */
const WINDOW_MS = 250;
const SAMPLE_MS = 25;

/** A part that is as near as this is the new one. Percentage points. */
const NEAR = 10;

/** Of two hogs, what the first is given in turn, and the part of the two that it gets then, in percent. */
const CHANGES = [
  { share: { policy: "equal-share", weight: 3 }, percent: 75 },
  { share: { policy: "equal-share", weight: 1 }, percent: 50 },
  { share: { policy: "fixed-share", percent: 25 }, percent: 25 },
  { share: { policy: "equal-share", weight: 1 }, percent: 50 },
] as const;

/** policy_change_ms: from an admin's change to the new part, by the workers' processor time. */
export async function policyChange({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  await using stack = await startStack();
  const workers: number[] = [];
  for (const name of ["changed", "other"]) {
    const vm = await stack.addVm(name);
    await vm.run(LOAD, loaded(200, true)).line(/^bench-frames/);
    workers.push(stack.workerOf(vm.session)!);
  }
  await delay(SETTLE_MS);
  const times: number[] = [];
  for (let round = 0; round < (isQuick ? 1 : 3); round++) {
    for (const { share, percent } of CHANGES) {
      const time = await timeOfChange(stack, workers, share, percent);
      say(`policy: ${JSON.stringify(share)} shows after ${time.toFixed(0)} ms`);
      times.push(time);
      await delay(SETTLE_MS);
    }
  }
  return [medianFigure("policy_change_ms", spreadOf(times), { atMost: MOST_MS })];
}

/** Milliseconds from the request to the end of the first window, all of it after the request, with the new part. */
async function timeOfChange(
  stack: Stack,
  workers: readonly number[],
  share: object,
  percent: number,
): Promise<number> {
  const from = performance.now();
  await stack.act("PUT", "/sessions/changed/share", { share });
  const readings = [await reading(workers)];
  for (;;) {
    await delay(SAMPLE_MS);
    const last = await reading(workers);
    readings.push(last);
    const first = readings.findLast(({ at }) => last.at - at >= WINDOW_MS);
    if (first === undefined) continue;
    const used = last.used.map((each, index) => each - first.used[index]!);
    const part = (used[0]! * 100) / used.reduce((sum, each) => sum + each, 0);
    if (Math.abs(part - percent) <= NEAR) return last.at - from;
    if (last.at - from > TIMEOUT_MS) {
      throw new Error(`After ${TIMEOUT_MS} ms its part is ${part.toFixed(1)} %, not ${percent} %.`);
    }
  }
}

async function reading(workers: readonly number[]): Promise<{ at: number; used: number[] }> {
  return { used: await Promise.all(workers.map((pid) => threadsMs(pid))), at: performance.now() };
}
