import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuSeconds } from "#test/support/processes.ts";
import { type Command, Stack } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "./figures.ts";
import { frameRate } from "./frame-rate.ts";
import { spreadOf } from "./statistics.ts";
import type { SuiteOptions } from "./suite.ts";

const LOAD = fileURLToPath(new URL("scenes/load.js", import.meta.url));
const SIZE = ["--size=320x180"];
const FRAME_RATE = 30;

/** What a polite guest needs of the GPU, alone. */
const POLITE_PART = 0.2;

/** Shaders are compiled and rates are steady after it. */
const SETTLE_MS = 3000;

const FIXED = [50, 25, 25] as const;

/** Many guests on one GPU: what each gets, whatever the others do. */
export async function sharing({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  const rounds = await politeRounds(say);
  return [
    ...(await equalShare(rounds, isQuick ? 1 : 3, isQuick ? 5_000 : 20_000, say)),
    ...(await fixedShare(isQuick ? 1 : 3, isQuick ? 10_000 : 30_000, say)),
  ];
}

/** Rounds of work in a polite guest's frame, so that all its frames take POLITE_PART of this machine's GPU. */
async function politeRounds(say: (line: string) => void): Promise<number> {
  const rounds = 400;
  await using stack = await startStack();
  const hog = (await stack.addVm("calibration")).run(LOAD, loaded({ rounds, isHog: true }));
  await hog.line(/^bench-frames/);
  await delay(SETTLE_MS);
  const submits = await frameRate(hog, 3000);
  const wanted = POLITE_PART / FRAME_RATE;
  say(`sharing: a submit of ${rounds} rounds takes ${(1000 / submits).toFixed(1)} ms alone`);
  return Math.max(1, Math.round(rounds * wanted * submits));
}

/** Three polite guests beside a hog, as a part of what they have beside a fourth polite one. */
async function equalShare(
  rounds: number,
  repeats: number,
  milliseconds: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const ratios: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const rates = async (isHog: boolean): Promise<number[]> => {
      await using stack = await startStack();
      const polite: Command[] = [];
      for (const name of ["a", "b", "c"]) {
        polite.push((await stack.addVm(name)).run(LOAD, loaded({ rounds, isHog: false })));
      }
      const fourth = (await stack.addVm("fourth")).run(LOAD, loaded({ rounds, isHog }));
      await Promise.all([...polite, fourth].map((each) => each.line(/^bench-frames/)));
      await delay(SETTLE_MS);
      return await Promise.all(polite.map((each) => frameRate(each, milliseconds)));
    };
    const [beside, among] = [await rates(true), await rates(false)];
    ratios.push(Math.min(...beside.map((rate, index) => rate / among[index]!)));
    say(
      `equal share: beside a hog ${shown(beside)} fps, beside a polite fourth ${shown(among)} fps`,
    );
  }
  return [medianFigure("equal_share_worst_ratio", spreadOf(ratios), { atLeast: 0.9 })];
}

/** How far each of three hogs is from its fixed share, by its worker's processor time. Percentage points. */
async function fixedShare(
  repeats: number,
  milliseconds: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const errors: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    await using stack = await startStack();
    const hogs: Command[] = [];
    for (const [index, percent] of FIXED.entries()) {
      const vm = await stack.addVm(`fixed-${index}`, `fixed${percent}`);
      const hog = vm.run(LOAD, loaded({ rounds: 400, isHog: true }));
      // One after the other, so that the order of the workers is known.
      await hog.line(/^bench-frames/);
      hogs.push(hog);
    }
    await delay(SETTLE_MS);
    const workers = (await stack.workers()).toSorted((one, other) => one - other);
    const before = await Promise.all(workers.map((pid) => cpuSeconds(pid)));
    await delay(milliseconds);
    const after = await Promise.all(workers.map((pid) => cpuSeconds(pid)));
    const used = after.map((seconds, index) => seconds - before[index]!);
    const total = used.reduce((sum, each) => sum + each, 0);
    const percents = used.map((each) => (each * 100) / total);
    errors.push(Math.max(...percents.map((each, index) => Math.abs(each - FIXED[index]!))));
    say(`fixed share: ${shown(percents)} % for ${FIXED.join(", ")} %`);
  }
  return [medianFigure("fixed_share_error_points", spreadOf(errors), { atMost: 5 })];
}

function startStack(): Promise<Stack> {
  const profile = { size: { width: 320, height: 180 }, frameRate: FRAME_RATE };
  const fixed = [...new Set(FIXED)].map((percent) => [
    `fixed${percent}`,
    { ...profile, share: { policy: "fixed-share", percent } },
  ]);
  return Stack.start({
    config: {
      unwatchedFrameRate: FRAME_RATE,
      profiles: { default: profile, ...Object.fromEntries(fixed) },
    },
  });
}

function loaded({ rounds, isHog }: { rounds: number; isHog: boolean }): {
  args: readonly string[];
  env: Record<string, string>;
} {
  return { args: SIZE, env: { LOAD_ROUNDS: String(rounds), LOAD_HOG: isHog ? "1" : "0" } };
}

function shown(values: readonly number[]): string {
  return values.map((value) => value.toFixed(1)).join(", ");
}
