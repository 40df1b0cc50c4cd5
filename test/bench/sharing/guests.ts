import { setTimeout as delay } from "node:timers/promises";
import { HeadlessViewer } from "#test/support/headless-viewer.ts";
import { processTree, residentSetSize } from "#test/support/processes.ts";
import type { Command, Stack, Vm } from "#test/support/stack.ts";
import type { Figure } from "../figures.ts";
import { slopeOf } from "../statistics.ts";
import type { SuiteOptions } from "../suite.ts";
import { longestGap } from "./gaps.ts";
import { SETTLE_MS, SIZE, startStack } from "./load.ts";

const GUESTS = 8;
const MINUTES = 10;
const QUICK_MINUTES = 0.5;
const LEAST_FPS = 10;
const MOST_SLOPE = 1;

const SAMPLE_EVERY_MS = 5_000;
/** Pools, compilers and collectors have found their sizes after this part of a run, or this time. */
const WARM_UP = 0.4;
const WARM_UP_MS = 120_000;
const MEBIBYTE = 2 ** 20;

type Guest = { readonly vm: Vm; readonly program: Command; readonly viewer: HeadlessViewer };
type Reading = { readonly minutes: number; readonly bytes: Readonly<Record<string, number>> };

/** guests, guests_lost, worst_guest_fps: eight at once that all draw, each seen by a WebRTC receiver; and what memory does. */
export async function guests({ isQuick, minutes, say }: SuiteOptions): Promise<Figure[]> {
  const duration = (isQuick ? QUICK_MINUTES : (minutes ?? MINUTES)) * 60_000;
  await using stack = await startStack();
  await using viewers = new AsyncDisposableStack();
  const all: Guest[] = [];
  for (let number = 1; number <= GUESTS; number++) {
    const vm = await stack.addVm(`guest-${number}`);
    const program = vm.run("plain.js", { args: [`--size=${SIZE.width}x${SIZE.height}`] });
    const viewer = viewers.use(await HeadlessViewer.watch(await vm.viewerLink("view")));
    all.push({ vm, program, viewer });
  }
  await delay(SETTLE_MS);
  const from = performance.now();
  const readings: Reading[] = [];
  while (performance.now() - from < duration) {
    await delay(SAMPLE_EVERY_MS);
    const passed = (performance.now() - from) / 60_000;
    readings.push({ minutes: passed, bytes: await residentBytes(stack, all) });
    if (readings.length % 6 === 0) say(`guests: ${described(readings.at(-1)!)}`);
  }
  const to = performance.now();
  const rates = all.map(({ viewer }) => {
    const seen = viewer.frames.filter((time) => time > from && time < to).length;
    return (seen * 1000) / (to - from);
  });
  say(`guests: ${rates.map((rate) => rate.toFixed(1)).join(", ")} fps`);
  const gaps = all.map(({ viewer }) => longestGap(viewer, from, to));
  const lost = (await Promise.all(all.map((guest) => isLost(stack, guest)))).filter(Boolean);
  const steady = readings.filter((each) => each.minutes * 60_000 > warmUp(duration));
  return [
    one("guests", all.length),
    { ...one("guests_lost", lost.length), target: { atMost: 0 } },
    {
      key: "worst_guest_fps",
      value: Math.min(...rates),
      min: Math.min(...rates),
      max: Math.max(...rates),
      count: all.length,
      target: { atLeast: LEAST_FPS },
    },
    one("guests_longest_gap_ms", Math.max(...gaps)),
    ...slopes(steady),
  ];
}

/** It is not as it began: with its program, its first worker and its viewer. */
async function isLost(stack: Stack, { vm, program, viewer }: Guest): Promise<boolean> {
  const { programs, restarts, viewers } = await stack.report(vm.session);
  const isThere = programs === 1 && restarts === 0 && viewers === 1;
  return !isThere || program.process.exitCode !== null || viewer.lost > 0;
}

function warmUp(duration: number): number {
  return Math.min(WARM_UP_MS, duration * WARM_UP);
}

async function residentBytes(stack: Stack, all: readonly Guest[]): Promise<Record<string, number>> {
  const workers = all.map(({ vm }) => stack.workerOf(vm.session)!);
  const relays = all.map(({ vm }) => vm.relay.pid);
  const programs = await Promise.all(all.map(({ program }) => processTree(program.pid)));
  return {
    gateway: await residentSetSize(stack.gateway.pid),
    workers: await sumOf(workers),
    relays: await sumOf(relays),
    programs: await sumOf(programs.flat()),
  };
}

async function sumOf(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(pids.map((pid) => residentSetSize(pid)));
  return sizes.reduce((sum, each) => sum + each, 0);
}

/** Percent of its size a minute, by which a part grows. */
function slopes(readings: readonly Reading[]): Figure[] {
  const parts = Object.keys(readings[0]?.bytes ?? {});
  return parts.map((part) => {
    const points = readings.map(({ minutes: x, bytes }) => ({ x, y: bytes[part] ?? 0 }));
    const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length;
    const percent = (slopeOf(points) / mean) * 100;
    return {
      ...one(`memory_slope_percent_a_minute.${part}`, percent),
      count: points.length,
      target: { atMost: MOST_SLOPE },
    };
  });
}

function one(key: string, value: number): Figure {
  return { key, value, min: value, max: value, count: 1 };
}

function described({ minutes, bytes }: Reading): string {
  const sizes = Object.entries(bytes).map(
    ([part, each]) => `${part} ${(each / MEBIBYTE).toFixed(1)} MB`,
  );
  return `${minutes.toFixed(1)} min: ${sizes.join(", ")}`;
}
