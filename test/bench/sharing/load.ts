import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type RunOptions, Stack, type StackOptions } from "#test/support/stack.ts";
import { frameRate } from "../frame-rate.ts";

export const LOAD = fileURLToPath(new URL("../scenes/load.js", import.meta.url));

export const SIZE = { width: 320, height: 180 };
export const FRAME_RATE = 30;

/** What a polite guest needs of the GPU, alone. */
const POLITE_PART = 0.2;

/** Shaders are compiled and rates are steady after it. */
export const SETTLE_MS = 3000;

/** A stack whose guests draw at one size, watched or not; `profiles` stand beside the default one. */
export function startStack(
  options: Omit<StackOptions, "config"> & { readonly profiles?: Record<string, object> } = {},
): Promise<Stack> {
  const { profiles = {}, ...others } = options;
  const profile = { size: SIZE, minSize: SIZE, maxSize: SIZE, frameRate: FRAME_RATE };
  const all = Object.entries(profiles).map(([name, part]) => [name, { ...profile, ...part }]);
  return Stack.start({
    ...others,
    config: {
      unwatchedFrameRate: FRAME_RATE,
      profiles: { default: profile, ...Object.fromEntries(all) },
    },
  });
}

/** For LOAD: as many rounds of work a submit; a hog submits without end. */
export function loaded(rounds: number, isHog: boolean): RunOptions {
  return {
    args: [`--size=${SIZE.width}x${SIZE.height}`],
    env: { LOAD_ROUNDS: String(rounds), LOAD_HOG: isHog ? "1" : "0" },
  };
}

/** Rounds of work in a polite guest's frame, so that all its frames take POLITE_PART of this machine's GPU. */
export async function politeRounds(say: (line: string) => void): Promise<number> {
  const rounds = 400;
  await using stack = await startStack();
  const hog = (await stack.addVm("calibration")).run(LOAD, loaded(rounds, true));
  await hog.line(/^bench-frames/);
  await delay(SETTLE_MS);
  const submits = await frameRate(hog, 3000);
  const wanted = POLITE_PART / FRAME_RATE;
  say(`sharing: a submit of ${rounds} rounds takes ${(1000 / submits).toFixed(1)} ms alone`);
  return Math.max(1, Math.round(rounds * wanted * submits));
}

export function shown(values: readonly number[]): string {
  return values.map((value) => value.toFixed(1)).join(", ");
}
