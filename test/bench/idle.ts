import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { launchBrowser, waitForFrames } from "#test/support/browser.ts";
import { cpuSeconds, processTree } from "#test/support/processes.ts";
import { type Command, Stack } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "./figures.ts";
import { spreadOf } from "./statistics.ts";
import { watch } from "./watched.ts";

const STILL = fileURLToPath(new URL("scenes/still.js", import.meta.url));

/** A picture at rest is sharpened for a while after it changed. */
const SETTLE_MS = 5_000;

/**
 * What a session costs that shows a still picture, in percent of one core: gateway, worker, relay and
 * program together, with one viewer and with nobody watching.
 */
export async function idle(
  rounds: number,
  roundMs: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  await using stack = await Stack.start();
  const program = stack.run(STILL);
  await using browser = await launchBrowser();
  const watched: number[] = [];
  const unwatched: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const page = await watch(browser, stack);
    if (round === 0) await waitForFrames(page);
    await delay(SETTLE_MS);
    watched.push(await usedPercent(stack, program, roundMs, say));
    await page.close();
    await delay(SETTLE_MS);
    unwatched.push(await usedPercent(stack, program, roundMs, say));
  }
  return [
    medianFigure("idle_cpu_percent", spreadOf(watched), { atMost: 1 }),
    medianFigure("idle_unwatched_cpu_percent", spreadOf(unwatched), { atMost: 1 }),
  ];
}

async function usedPercent(
  stack: Stack,
  program: Command,
  milliseconds: number,
  say: (line: string) => void,
): Promise<number> {
  const workers = await stack.workers();
  const parts = {
    gateway: (await processTree(stack.gateway.pid)).filter((pid) => !workers.includes(pid)),
    worker: workers,
    relay: await processTree(stack.relay.pid),
    program: await processTree(program.pid),
  };
  const before = await usedSeconds(parts);
  const start = performance.now();
  await delay(milliseconds);
  const after = await usedSeconds(parts);
  const seconds = (performance.now() - start) / 1000;
  const percents = Object.entries(after).map(
    ([part, used]) => [part, ((used - before[part]!) * 100) / seconds] as const,
  );
  say(`idle: ${percents.map(([part, percent]) => `${part} ${percent.toFixed(2)} %`).join(", ")}`);
  return percents.reduce((sum, [, percent]) => sum + percent, 0);
}

async function usedSeconds(
  parts: Readonly<Record<string, readonly number[]>>,
): Promise<Record<string, number>> {
  const used: Record<string, number> = {};
  for (const [part, pids] of Object.entries(parts)) {
    const seconds = await Promise.all(pids.map((pid) => cpuSeconds(pid)));
    used[part] = seconds.reduce((sum, each) => sum + each, 0);
  }
  return used;
}
