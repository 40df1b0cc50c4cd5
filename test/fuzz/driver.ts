import { caseSeed, Random } from "./random.ts";
import { shrink } from "./shrink.ts";
import type { Finding, Subject, Target } from "./target.ts";

/** Tries to make a failing case shorter. Each may start processes. */
const SHRINK_ATTEMPTS = 60;

/** Cases before memory is measured first: what is loaded and compiled late is no leak. */
const WARM_UP_CASES = 20;

export type RunOptions = {
  readonly seed: number;
  /** The run ends with the case in which so many were taken. */
  readonly messages: number;
  /** Or after so long. */
  readonly maxMs?: number;
  readonly say: (line: string) => void;
};

export type Result = {
  readonly target: string;
  readonly cases: number;
  readonly messages: number;
  readonly seconds: number;
  readonly workerDeaths: readonly { readonly seed: number; readonly how: string }[];
  /** Bytes between the end of warming up and the end. */
  readonly memoryGrowth: number;
  readonly finding?: Finding;
};

/** Plays cases until there were enough messages, or one fails: that one is made shorter and told. */
export async function run(target: Target, options: RunOptions): Promise<Result> {
  const workerDeaths: { seed: number; how: string }[] = [];
  let messages = 0;
  let cases = 0;
  let firstMemory: number | undefined;
  let measureAt = WARM_UP_CASES;
  let finding: Finding | undefined;
  const subject = await target.open();
  const start = performance.now();
  const isOver = (): boolean =>
    messages >= options.messages || performance.now() - start > (options.maxMs ?? Infinity);
  try {
    while (!isOver() && finding === undefined) {
      if (cases === measureAt) firstMemory = await subject.memory();
      const seed = caseSeed(options.seed, cases);
      const list = target.generate(new Random(seed));
      const { taken, fault, workerDeath } = await subject.play(list);
      messages += taken;
      cases++;
      if (workerDeath !== undefined) {
        workerDeaths.push({ seed, how: workerDeath });
        // The process may be another now.
        firstMemory = undefined;
        measureAt = cases + WARM_UP_CASES;
      }
      if (fault !== undefined) finding = { target: target.name, seed, fault, messages: list };
    }
    const memoryGrowth =
      finding !== undefined || firstMemory === undefined
        ? 0
        : (await subject.memory()) - firstMemory;
    if (memoryGrowth > target.maxGrowth) {
      const fault = `Memory grew by ${memoryGrowth} bytes over ${messages} messages (limit ${target.maxGrowth}).`;
      finding = { target: target.name, seed: options.seed, fault, messages: [] };
    }
    const seconds = (performance.now() - start) / 1000;
    const result = { target: target.name, cases, messages, seconds, workerDeaths, memoryGrowth };
    if (finding === undefined) return result;
    options.say(`${target.name}: ${finding.fault}`);
    return { ...result, finding: await shorten(target, finding, subject) };
  } finally {
    await subject[Symbol.asyncDispose]();
  }
}

/** A case that fails only after others is kept as it is. */
async function shorten(target: Target, finding: Finding, used: Subject): Promise<Finding> {
  await used[Symbol.asyncDispose]();
  const fails = async (messages: readonly Buffer[]): Promise<boolean> => {
    await using subject = await target.open();
    return (await subject.play(messages)).fault !== undefined;
  };
  if (finding.messages.length === 0 || !(await fails(finding.messages))) return finding;
  return { ...finding, messages: await shrink(finding.messages, fails, SHRINK_ATTEMPTS) };
}
