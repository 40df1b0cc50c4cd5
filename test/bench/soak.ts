import { setTimeout as delay } from "node:timers/promises";
import { launchBrowser } from "#test/support/browser.ts";
import { processTree, residentSetSize } from "#test/support/processes.ts";
import type { Stack } from "#test/support/stack.ts";
import type { Figure } from "./figures.ts";
import { presentToSent, readStats, workerCount } from "./gateway-stats.ts";
import { receivedSoFar, rememberPeers } from "./received.ts";
import { slopeOf } from "./statistics.ts";
import type { SuiteOptions } from "./suite.ts";
import { openViewer, startPlain } from "./watched.ts";

const DEFAULT_MINUTES = 5;
const SAMPLE_EVERY_MS = 5_000;
/** What was on its way when the counting ended arrives. */
const DRAIN_MS = 2_000;

/** Pools, compilers and collectors have found their sizes after this part of a run, or this time. */
const WARM_UP = 0.4;
const WARM_UP_MS = 120_000;

const MEBIBYTE = 2 ** 20;

type Reading = { readonly minutes: number; readonly bytes: Readonly<Record<string, number>> };

/** `plain` at 1280x720 and 30 frames a second for minutes: frames that were lost, and what memory does. */
export async function soak({
  minutes = DEFAULT_MINUTES,
  isQuick,
  say,
}: SuiteOptions): Promise<Figure[]> {
  const duration = (isQuick ? 0.5 : minutes) * 60_000;
  await using stack = await startPlain({ width: 1280, height: 720 });
  await using browser = await launchBrowser();
  const page = await openViewer(browser, await stack.viewerLink(), rememberPeers);
  const from = stack.gateway.lines.length;
  const before = await receivedSoFar(page);
  const start = performance.now();
  const readings: Reading[] = [];
  while (performance.now() - start < duration) {
    await delay(SAMPLE_EVERY_MS);
    const reading = {
      minutes: (performance.now() - start) / 60_000,
      bytes: await residentBytes(stack),
    };
    readings.push(reading);
    if (readings.length % 6 === 0) say(`soak: ${described(reading)}`);
  }
  const stats = readStats(stack.gateway, from);
  const sent = presentToSent(stats).length;
  const drawn = workerCount(stats, "frames");
  await delay(DRAIN_MS);
  const after = await receivedSoFar(page);
  const steady = readings.filter((each) => each.minutes * 60_000 > warmUp(duration));
  return [
    one("frames_drawn", drawn),
    one("frames_sent", sent),
    one("frames_skipped", workerCount(stats, "skipped_frames"), 0),
    one("packets_lost", after.packetsLost - before.packetsLost, 0),
    one("frames_received", after.framesReceived - before.framesReceived),
    one("frames_dropped_by_browser", after.framesDropped - before.framesDropped),
    ...slopes(steady),
  ];
}

function warmUp(duration: number): number {
  return Math.min(WARM_UP_MS, duration * WARM_UP);
}

async function residentBytes(stack: Stack): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  const [worker] = await stack.workers();
  const parts = { gateway: stack.gateway.pid, relay: stack.relay.pid, worker };
  for (const [part, pid] of Object.entries(parts)) {
    if (pid !== undefined) bytes[part] = await residentSetSize(pid);
  }
  // `heliograph run` and the program under it.
  let program = 0;
  for (const command of stack.programs) {
    for (const pid of await processTree(command.pid)) program += await residentSetSize(pid);
  }
  return { ...bytes, program };
}

/** Percent of its size a minute, by which a part grows; `count` is of readings. */
function slopes(readings: readonly Reading[]): Figure[] {
  const parts = Object.keys(readings[0]?.bytes ?? {});
  return parts.flatMap((part) => {
    const points = readings.map(({ minutes: x, bytes }) => ({ x, y: bytes[part] ?? 0 }));
    const sizes = points.map(({ y }) => y / MEBIBYTE);
    const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length;
    const min = Math.min(...sizes);
    const max = Math.max(...sizes);
    const percent = (slopeOf(points) / mean) * 100;
    return [
      {
        ...one(`memory_slope_percent_a_minute.${part}`, percent, 1),
        count: points.length,
      },
      { key: `resident_mb.${part}`, value: mean / MEBIBYTE, min, max, count: points.length },
    ];
  });
}

function one(key: string, value: number, atMost?: number): Figure {
  const figure = { key, value, min: value, max: value, count: 1 };
  return atMost === undefined ? figure : { ...figure, target: { atMost } };
}

function described({ minutes, bytes }: Reading): string {
  const sizes = Object.entries(bytes).map(
    ([part, each]) => `${part} ${(each / MEBIBYTE).toFixed(1)} MB`,
  );
  return `${minutes.toFixed(1)} min: ${sizes.join(", ")}`;
}
