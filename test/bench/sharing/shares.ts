import { setTimeout as delay } from "node:timers/promises";
import { cpuSeconds } from "#test/support/processes.ts";
import type { Command } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "../figures.ts";
import { frameRate } from "../frame-rate.ts";
import { spreadOf } from "../statistics.ts";
import type { SuiteOptions } from "../suite.ts";
import { LOAD, loaded, politeRounds, SETTLE_MS, shown, startStack } from "./load.ts";

const FIXED = [50, 25, 25] as const;

/**
 * equal_share_worst_ratio: three polite guests beside a hog, as a part of what they have beside a fourth polite one. Both live all the
 * time, and one of them stands still (SIGSTOP) while the other draws: what the machine's speed does meanwhile meets both.
 */
export async function equalShare({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  const milliseconds = isQuick ? 4_000 : 8_000;
  const rounds = await politeRounds(say);
  await using stack = await startStack();
  const start = async (name: string, isHog: boolean): Promise<Command> =>
    (await stack.addVm(name)).run(LOAD, loaded(rounds, isHog));
  const polite = [await start("a", false), await start("b", false), await start("c", false)];
  const [hog, fourth] = [await start("hog", true), await start("fourth", false)];
  await Promise.all([...polite, hog, fourth].map((each) => each.line(/^bench-frames/)));

  const ratesBeside = async (here: Command, away: Command): Promise<number[]> => {
    process.kill(-away.pid, "SIGSTOP");
    process.kill(-here.pid, "SIGCONT");
    await delay(SETTLE_MS);
    return await Promise.all(polite.map((each) => frameRate(each, milliseconds)));
  };
  const ratios: number[] = [];
  for (let round = 0; round < (isQuick ? 1 : 6); round++) {
    let [beside, among]: number[][] = [];
    const measures = [
      async () => (beside = await ratesBeside(hog, fourth)),
      async () => (among = await ratesBeside(fourth, hog)),
    ];
    for (const measure of round % 2 === 0 ? measures : measures.toReversed()) await measure();
    ratios.push(Math.min(...beside!.map((rate, index) => rate / among![index]!)));
    say(
      `equal share: beside a hog ${shown(beside!)} fps, beside a polite fourth ${shown(among!)} fps`,
    );
  }
  return [medianFigure("equal_share_worst_ratio", spreadOf(ratios), { atLeast: 0.9 })];
}

/** fixed_share_error_points: how far each of three hogs is from its fixed share, by its worker's processor time. */
export async function fixedShare({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  const milliseconds = isQuick ? 10_000 : 30_000;
  const profiles = Object.fromEntries(
    FIXED.map((percent) => [`fixed${percent}`, { share: { policy: "fixed-share", percent } }]),
  );
  const errors: number[] = [];
  for (let repeat = 0; repeat < (isQuick ? 1 : 3); repeat++) {
    await using stack = await startStack({ profiles });
    const sessions: string[] = [];
    for (const [index, percent] of FIXED.entries()) {
      const vm = await stack.addVm(`fixed-${index}`, `fixed${percent}`);
      await vm.run(LOAD, loaded(400, true)).line(/^bench-frames/);
      sessions.push(vm.session);
    }
    await delay(SETTLE_MS);
    const used = () => Promise.all(sessions.map((each) => cpuSeconds(stack.workerOf(each)!)));
    const before = await used();
    await delay(milliseconds);
    const after = await used();
    const seconds = after.map((each, index) => each - before[index]!);
    const total = seconds.reduce((sum, each) => sum + each, 0);
    const percents = seconds.map((each) => (each * 100) / total);
    errors.push(Math.max(...percents.map((each, index) => Math.abs(each - FIXED[index]!))));
    say(`fixed share: ${shown(percents)} % for ${FIXED.join(", ")} %`);
  }
  return [medianFigure("fixed_share_error_points", spreadOf(errors), { atMost: 5 })];
}
