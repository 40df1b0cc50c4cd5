/// <reference lib="dom" />
import { setTimeout as delay } from "node:timers/promises";
import type { Browser, Page } from "puppeteer-core";
import { launchBrowser } from "#test/support/browser.ts";
import { Stack } from "#test/support/stack.ts";
import { type Figure, medianFigure } from "../figures.ts";
import { spreadOf } from "../statistics.ts";
import type { SuiteOptions } from "../suite.ts";
import { openViewer } from "../watched.ts";
import { SETTLE_MS, SIZE, startStack } from "./load.ts";

const CUT_MS = 10_000;
const MOST_MS = 5_000;
const RECOVERY_TIMEOUT_MS = 30_000;

/** So many frames, one this soon after the other, are of a picture that moves: one at rest is sent again now and then. */
const MOVING_FRAMES = 10;
const MOVING_MS = 200;

declare global {
  /** When the page showed frames, in milliseconds since 1970. */
  // oxlint-disable-next-line no-var
  var shownFrames: number[];
}

/** recovery_ms: from the break, or the end of the cut, to the first frame of a picture that moves again in a browser. */
export async function recovery({ isQuick, say }: SuiteOptions): Promise<Figure[]> {
  const rounds = isQuick ? 1 : 3;
  await using browser = await launchBrowser(SIZE);
  const times: Record<string, number[]> = { worker_killed: [], gateway_killed: [], link_cut: [] };
  for (let round = 0; round < rounds; round++) {
    times["worker_killed"]!.push(await afterKill(browser, killWorker));
    times["gateway_killed"]!.push(await afterKill(browser, (stack) => stack.restartGateway()));
    times["link_cut"]!.push(await afterCut(browser));
  }
  return Object.entries(times).map(([what, milliseconds]) => {
    say(`recovery: ${what} ${milliseconds.map((each) => each.toFixed(0)).join(", ")} ms`);
    return medianFigure(`recovery_ms.${what}`, spreadOf(milliseconds), { atMost: MOST_MS });
  });
}

/** The program is started again by `heliograph run --restart`, the rest by itself. */
async function afterKill(browser: Browser, kill: (stack: Stack) => Promise<void>): Promise<number> {
  await using stack = await startStack();
  stack.run("plain.js", { args: [`--size=${SIZE.width}x${SIZE.height}`, "--restart"] });
  const page = await watchFrames(browser, stack);
  const from = Date.now();
  await kill(stack);
  const back = await movingAgain(page, from);
  await page.close();
  return back - from;
}

async function killWorker(stack: Stack): Promise<void> {
  const [worker] = await stack.workers();
  process.kill(worker!, "SIGKILL");
}

/** A three.js program that knows nothing of it. */
async function afterCut(browser: Browser): Promise<number> {
  await using stack = await Stack.start({ proxied: true });
  const program = stack.run("three-orbit.js", { args: [`--size=${SIZE.width}x${SIZE.height}`] });
  const page = await watchFrames(browser, stack);
  stack.proxy!.cut();
  await delay(CUT_MS);
  stack.proxy!.restore();
  const from = Date.now();
  const back = await movingAgain(page, from);
  await delay(SETTLE_MS);
  if (program.process.exitCode !== null) throw new Error("The program did not outlive the cut.");
  await page.close();
  return back - from;
}

async function watchFrames(browser: Browser, stack: Stack): Promise<Page> {
  const page = await openViewer(browser, await stack.viewerLink());
  await page.$eval("video", (video) => {
    globalThis.shownFrames = [];
    const next = (): void => {
      shownFrames.push(Date.now());
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  });
  await delay(SETTLE_MS);
  return page;
}

/** When the picture began to move again. */
async function movingAgain(page: Page, from: number): Promise<number> {
  const found = await page.waitForFunction(
    (since, inRow, apart) =>
      shownFrames.find((time, index) => {
        const row = shownFrames.slice(index, index + inRow);
        const isRow = row.every((each, at) => each - (row[at - 1] ?? each) <= apart);
        return time > since && row.length === inRow && isRow;
      }),
    { timeout: RECOVERY_TIMEOUT_MS, polling: 100 },
    from,
    MOVING_FRAMES,
    MOVING_MS,
  );
  const time = await found.jsonValue();
  if (time === undefined) throw new Error("The picture did not come back.");
  return time;
}
