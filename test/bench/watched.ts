/// <reference lib="dom" />
import { setTimeout as delay } from "node:timers/promises";
import type { Browser, Page } from "puppeteer-core";
import { launchBrowser, waitForFrames } from "#test/support/browser.ts";
import { proportionalSetSize } from "#test/support/processes.ts";
import { Stack } from "#test/support/stack.ts";
import { clickUntilSeen } from "./clicks.ts";
import { type Figure, medianFigure, percentileFigures } from "./figures.ts";
import { presentToSent, readStats, STATS_GATEWAY, workerCount } from "./gateway-stats.ts";
import { percentilesOf, spreadOf } from "./statistics.ts";

// What an operator meets: `plain` at 30 frames a second in a real browser.

const FRAME_RATE = 30;
const FIRST_FRAME_TIMEOUT_MS = 20_000;
/** Compilers, the bandwidth estimate and the browser's jitter buffer have settled after it. */
const SETTLE_MS = 3_000;
const MEBIBYTE = 2 ** 20;

export type Size = { readonly width: number; readonly height: number };

/** `plain` on a stack whose pictures have this size whatever the viewer's window. */
export async function startPlain(size: Size): Promise<Stack> {
  const stack = await Stack.start({
    gateway: STATS_GATEWAY,
    config: {
      profiles: { default: { size, minSize: size, maxSize: size, frameRate: FRAME_RATE } },
    },
  });
  stack.run("plain.js", { args: [`--size=${size.width}x${size.height}`] });
  return stack;
}

/** Opens the link in a new page; resolves once its first frame is shown. The caller closes the page. */
export async function watch(browser: Browser, stack: Stack): Promise<Page> {
  return openViewer(browser, await stack.viewerLink());
}

/** `first` runs in the page before its own scripts. */
export async function openViewer(
  browser: Browser,
  link: string,
  first: () => void = () => {},
): Promise<Page> {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(first);
  await page.goto(link);
  await page.waitForSelector("body[data-first-frame]", { timeout: FIRST_FRAME_TIMEOUT_MS });
  return page;
}

/** Milliseconds from the navigation to the first frame shown. */
async function firstFrameTime(page: Page): Promise<number> {
  return page.$eval("body", ({ dataset }) => Number(dataset["firstFrame"]));
}

/** When the first frame was shown, in milliseconds since 1970. */
export async function firstFrameAt(page: Page): Promise<number> {
  return (await page.evaluate(() => performance.timeOrigin)) + (await firstFrameTime(page));
}

/** present_to_sent_ms, polls_per_frame and session_pss_mb. */
export async function stream(milliseconds: number, say: (line: string) => void): Promise<Figure[]> {
  await using stack = await startPlain({ width: 1280, height: 720 });
  await using browser = await launchBrowser();
  const page = await watch(browser, stack);
  await waitForFrames(page, FRAME_RATE);
  await delay(SETTLE_MS);
  const from = stack.gateway.lines.length;
  await delay(milliseconds);
  const stats = readStats(stack.gateway, from);
  const sent = presentToSent(stats);
  const frames = workerCount(stats, "frames");
  const polls = stats.flatMap((each) =>
    each.from === "worker" && (each.stages["frames"] ?? 0) > 0
      ? [(each.stages["polls"] ?? 0) / each.stages["frames"]!]
      : [],
  );
  const [worker] = await stack.workers();
  if (worker === undefined) throw new Error("The session has no GPU worker.");
  const pss = (await proportionalSetSize(worker)) / MEBIBYTE;
  say(`stream: ${frames} frames, ${sent.length} sent`);
  return [
    ...percentileFigures("present_to_sent_ms", sent, percentilesOf(sent), { p50: { atMost: 15 } }),
    medianFigure("polls_per_frame", spreadOf(polls)),
    medianFigure("session_pss_mb", spreadOf([pss])),
  ];
}

/** click_to_photon_ms and join_to_first_frame_ms. */
export async function operator(
  clicks: number,
  joins: number,
  say: (line: string) => void,
): Promise<Figure[]> {
  const size = { width: 640, height: 360 };
  await using stack = await startPlain(size);
  await using browser = await launchBrowser(size);
  const page = await watch(browser, stack);
  await waitForFrames(page, FRAME_RATE);
  await delay(SETTLE_MS);
  const times = await clickUntilSeen(page, clicks);
  await page.close();
  say(`operator: ${times.length} clicks seen`);
  const joined: number[] = [];
  for (let join = 0; join < joins; join++) {
    const each = await watch(browser, stack);
    joined.push(await firstFrameTime(each));
    await each.close();
  }
  return [
    ...percentileFigures("click_to_photon_ms", times, percentilesOf(times), {
      p50: { atMost: 60 },
      p95: { atMost: 100 },
    }),
    medianFigure("join_to_first_frame_ms", spreadOf(joined)),
  ];
}
