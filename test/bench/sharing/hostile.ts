import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { HeadlessViewer } from "#test/support/headless-viewer.ts";
import type { Stack, Vm } from "#test/support/stack.ts";
import type { Figure } from "../figures.ts";
import type { SuiteOptions } from "../suite.ts";
import { longestGap } from "./gaps.ts";
import { HOSTILE_GUESTS, type HostileGuest } from "./hostile-guests.ts";
import { FRAME_RATE, LOAD, loaded, politeRounds, SETTLE_MS, startStack } from "./load.ts";

const LYING_GATEWAY = fileURLToPath(new URL("../programs/gateway-with-liars.ts", import.meta.url));

const BYSTANDERS = ["bystander-a", "bystander-b", "bystander-c"];

/** Bystanders need a half of what polite guests do elsewhere, so that what they lack is not the processor. */
const BYSTANDER_PART = 0.5;

const ATTACK_MS = 15_000;
const QUICK_ATTACK_MS = 10_000;
const MAX_GAP_MS = 1000;

/** For the JSON's keys: the part, and a hostile guest's own name after a dot. */
export const HOSTILE_PARTS = HOSTILE_GUESTS.map(({ name }) => `hostile.${name}`);

type Beside = { readonly gapMs: number; readonly frames: number };

/**
 * worst_gap_ms, of three watched bystanders beside each hostile guest, less what the same bystanders have beside a polite
 * guest that draws as they do; longest_gap_ms is the whole; culprits_named and bystanders_lost.
 */
export async function hostile({ isQuick, only, say }: SuiteOptions): Promise<Figure[]> {
  const wanted = HOSTILE_GUESTS.filter(({ name }) => {
    const chosen = only.filter((part) => part.startsWith("hostile."));
    return chosen.length === 0 || chosen.includes(`hostile.${name}`);
  });
  const milliseconds = isQuick ? QUICK_ATTACK_MS : ATTACK_MS;
  const rounds = Math.ceil((await politeRounds(say)) * BYSTANDER_PART);
  await using stack = await startStack({ gateway: LYING_GATEWAY });
  await using viewers = new AsyncDisposableStack();
  const watched: HeadlessViewer[] = [];
  for (const name of BYSTANDERS) {
    const vm = await stack.addVm(name);
    vm.run(LOAD, loaded(rounds, false));
    watched.push(viewers.use(await HeadlessViewer.watch(await vm.viewerLink("view"))));
  }
  await delay(SETTLE_MS);
  const measure = async (name: string, attack: HostileGuest["attack"]): Promise<Beside> => {
    const vm = await stack.addVm(name);
    const from = performance.now();
    await attack(stack, vm, AbortSignal.timeout(milliseconds));
    const to = performance.now();
    await delay(SETTLE_MS);
    const gaps = watched.map((viewer) => longestGap(viewer, from, to));
    const frames = watched.map(
      (viewer) => viewer.frames.filter((at) => at > from && at < to).length,
    );
    const beside = { gapMs: Math.max(...gaps), frames: Math.min(...frames) };
    const perSecond = (beside.frames * 1000) / (to - from);
    say(
      `beside ${name}: longest gap ${beside.gapMs.toFixed(0)} ms, worst ${perSecond.toFixed(1)} fps`,
    );
    return beside;
  };
  const polite = await measure("polite", politeGuest(rounds));
  const figures: Figure[] = [one("longest_gap_ms.polite", polite.gapMs)];
  const excesses: Figure[] = [];
  const unnamed: string[] = [];
  for (const { name, attack, isNamed } of wanted) {
    const { gapMs } = await measure(name.replaceAll("_", "-"), attack);
    const report = await stack.report(name.replaceAll("_", "-"));
    if (!isNamed(report)) {
      unnamed.push(name);
      say(`${name} is not named: ${JSON.stringify(report)}`);
    }
    const excess = Math.max(0, gapMs - polite.gapMs);
    excesses.push({ ...one(`worst_gap_ms.${name}`, excess), target: { atMost: MAX_GAP_MS } });
    figures.push(one(`longest_gap_ms.${name}`, gapMs));
    say(
      `${name}: ${report.quarantine ?? report.lastError?.sentence ?? JSON.stringify(report.counts)}`,
    );
  }
  const lost = await lostBystanders(stack, watched);
  return [
    ...excesses,
    ...figures,
    {
      ...one("culprits_named", wanted.length - unnamed.length),
      target: { atLeast: wanted.length },
    },
    { ...one("bystanders_lost", lost), target: { atMost: 0 } },
  ];
}

function politeGuest(rounds: number): HostileGuest["attack"] {
  return async (_stack: Stack, vm: Vm, signal: AbortSignal) => {
    await using program = vm.run(LOAD, loaded(rounds, false));
    await program.line(/^bench-frames/);
    while (!signal.aborted) await delay(1000 / FRAME_RATE);
  };
}

/** Sessions of bystanders that are not as they began: with their one program, first worker and viewer, and no error. */
async function lostBystanders(stack: Stack, watched: readonly HeadlessViewer[]): Promise<number> {
  const reports = await Promise.all(BYSTANDERS.map((name) => stack.report(name)));
  const lost = reports.filter(
    ({ programs, restarts, viewers, lastError }, index) =>
      programs !== 1 ||
      restarts !== 0 ||
      viewers !== 1 ||
      lastError !== undefined ||
      watched[index]!.lost > 0,
  );
  return lost.length;
}

function one(key: string, value: number): Figure {
  return { key, value, min: value, max: value, count: 1 };
}
