import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { shareAtRate } from "#server/scheduler/gpu-share.ts";
import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import { SimulatedGuest } from "./simulated-guest.ts";

const DEADLINE_MS = 500;
const EQUAL: GpuShare = { policy: "equal-share", weight: 1 };
const BEST: GpuShare = { policy: "best-effort" };
const HOG = { submit: 5, every: 0 };
/** A fifth of the GPU, 30 frames a second. */
const POLITE = { submit: 6.6, every: 33 };

let scheduler: GpuScheduler;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
  scheduler = new GpuScheduler({ deadlineMs: () => DEADLINE_MS });
});
afterEach(() => {
  scheduler[Symbol.dispose]();
  vi.useRealTimers();
});

function fixed(percent: number): GpuShare {
  return { policy: "fixed-share", percent };
}

function guest(share: GpuShare, load: { submit: number; every: number }): SimulatedGuest {
  return new SimulatedGuest(scheduler, { share, ...load });
}

async function run(guests: readonly SimulatedGuest[], milliseconds: number): Promise<void> {
  for (const each of guests) each.start();
  await vi.advanceTimersByTimeAsync(milliseconds);
}

/** Percent of the time that passed. */
function shares(guests: readonly SimulatedGuest[], milliseconds: number): number[] {
  return guests.map(({ used }) => Math.round((used * 100) / milliseconds));
}

test("who is alone waits once, and never again", async () => {
  const alone = guest(EQUAL, HOG);
  const wanted = vi.spyOn(scheduler, "wanted");
  await run([alone], 10_000);
  expect(wanted).toHaveBeenCalledTimes(1);
  expect(alone.contended).toBe(0);
  expect(alone.frames).toBe(2000);
});

describe("equal shares", () => {
  test.for([2, 3, 4, 8])("of %s hogs are equal", async (count) => {
    const hogs = Array.from({ length: count }, () => guest(EQUAL, HOG));
    await run(hogs, 30_000);
    for (const share of shares(hogs, 30_000)) expect(share).toBeCloseTo(100 / count, -0.5);
    expect(hogs.reduce((sum, { used }) => sum + used, 0)).toBeGreaterThan(29_500);
  });

  test.for([1, 5, 20])(
    "three polite guests keep their frames beside a hog of %s ms submits",
    async (submit) => {
      const polite = [1, 2, 3].map(() => guest(EQUAL, POLITE));
      const hog = guest(EQUAL, { submit, every: 0 });
      await run([...polite, hog], 30_000);
      for (const { frames } of polite) expect(frames / 30).toBeGreaterThan(0.9 * 30);
      // What they leave is the hog's.
      expect(hog.used).toBeGreaterThan(0.3 * 30_000);
    },
  );

  test("by weight give twice to who has twice the weight", async () => {
    const hogs = [1, 1, 2].map((weight) => guest({ policy: "equal-share", weight }, HOG));
    await run(hogs, 20_000);
    expect(shares(hogs, 20_000)).toEqual([25, 25, 50]);
  });

  test("rest is not saved up: who slept for a minute gets no more than its part after", async () => {
    const [early, late] = [guest(EQUAL, HOG), guest(EQUAL, HOG)];
    await run([early], 60_000);
    const before = early.used;
    await run([late], 10_000);
    expect(late.used / 10_000).toBeCloseTo(0.5, 1);
    expect((early.used - before) / 10_000).toBeCloseTo(0.5, 1);
  });
});

describe("fixed shares", () => {
  test("are kept under full load", async () => {
    const hogs = [50, 25, 25].map((percent) => guest(fixed(percent), HOG));
    await run(hogs, 30_000);
    for (const [index, share] of shares(hogs, 30_000).entries()) {
      expect(Math.abs(share - [50, 25, 25][index]!)).toBeLessThanOrEqual(2);
    }
  });

  test("are a bound also where nobody else wants the GPU", async () => {
    const alone = guest(fixed(25), HOG);
    await run([alone], 30_000);
    expect(shares([alone], 30_000)[0]).toBeGreaterThanOrEqual(23);
    expect(shares([alone], 30_000)[0]).toBeLessThanOrEqual(27);
  });

  test("are a bound also of submits that are long, and charged whole where nobody waits", async () => {
    const alone = guest(fixed(25), { submit: 450, every: 0 });
    await run([alone], 60_000);
    expect(shares([alone], 60_000)[0]).toBeLessThanOrEqual(27);
  });

  test("come before equal ones, which divide the rest", async () => {
    const guests = [guest(fixed(40), HOG), guest(EQUAL, HOG), guest(EQUAL, HOG)];
    await run(guests, 30_000);
    const [first, second, third] = shares(guests, 30_000);
    expect(Math.abs(first! - 40)).toBeLessThanOrEqual(3);
    expect(Math.abs(second! - 30)).toBeLessThanOrEqual(3);
    expect(Math.abs(third! - 30)).toBeLessThanOrEqual(3);
  });
});

test("a target frame rate is met beside hogs, and no more is taken for it", async () => {
  const target = guest({ policy: "target-frame-rate", frameRate: 30 }, { submit: 20, every: 33 });
  const hogs = [1, 2, 3].map(() => guest(EQUAL, HOG));
  await run([target, ...hogs], 30_000);
  expect(target.frames / 30).toBeGreaterThan(0.9 * 30);
});

test("a target frame rate counts at once for who ran faster for long", async () => {
  const target = guest({ policy: "target-frame-rate", frameRate: 30 }, { submit: 10, every: 16 });
  await run([target], 60_000);
  const before = target.frames;
  expect(before / 60).toBeGreaterThan(55);
  await run(
    [1, 2, 3].map(() => guest(EQUAL, { submit: 20, every: 0 })),
    2000,
  );
  expect((target.frames - before) / 2).toBeGreaterThan(0.9 * 30);
});

describe("best effort", () => {
  test("gets what equal shares leave", async () => {
    const polite = guest(EQUAL, POLITE);
    const rest = guest(BEST, HOG);
    await run([polite, rest], 30_000);
    expect(polite.frames / 30).toBeGreaterThan(0.95 * 30);
    expect(rest.used / 30_000).toBeGreaterThan(0.7);
  });

  test("among itself is no order: both use the GPU at once", async () => {
    const both = [guest(BEST, HOG), guest(BEST, HOG)];
    await run(both, 1000);
    expect(both.map(({ used }) => used)).toEqual([1000, 1000]);
  });
});

test("a target of more frames than a session gets ticks is none", () => {
  const target: GpuShare = { policy: "target-frame-rate", frameRate: 30 };
  expect(shareAtRate(target, 60)).toEqual(target);
  expect(shareAtRate(target, 1)).toEqual({ ...target, frameRate: 1 });
  expect(shareAtRate(fixed(50), 1)).toEqual(fixed(50));
});

test("a share that is changed shows within a second", async () => {
  const hogs = [guest(EQUAL, HOG), guest(EQUAL, HOG)];
  await run(hogs, 5000);
  scheduler.setShare(hogs[0]!.seat, { policy: "equal-share", weight: 3 });
  const before = hogs.map(({ used }) => used);
  await vi.advanceTimersByTimeAsync(1000);
  const after = hogs.map(({ used }, index) => used - before[index]!);
  expect(after[0]! / 1000).toBeCloseTo(0.75, 1);
  expect(after[1]! / 1000).toBeCloseTo(0.25, 1);
});

describe("the deadline of a submit", () => {
  test.for([
    { submit: DEADLINE_MS - 1, overdue: 0 },
    { submit: DEADLINE_MS + 1, overdue: 1 },
  ])("is passed by one of $submit ms: $overdue", async ({ submit, overdue }) => {
    const slow = guest(EQUAL, { submit, every: 1000 });
    await run([slow], 900);
    expect(slow.overdue).toBe(overdue);
  });

  test.for([
    { submit: 740, overdue: 0 },
    { submit: 760, overdue: 1 },
  ])("counts half while others use the GPU too: $submit ms", async ({ submit, overdue }) => {
    // Alone until it was revoked and 250 ms after; of the other 250 ms, each counts half.
    const slow = guest(EQUAL, { submit, every: 1e6 });
    const other = guest(EQUAL, HOG);
    await run([slow, other], 2000);
    expect(slow.overdue).toBe(overdue);
  });

  test("does not count what waits for its lease", async () => {
    const holder = guest(EQUAL, { submit: 400, every: 0 });
    const waiting = guest(EQUAL, { submit: 400, every: 0 });
    await run([holder, waiting], 10_000);
    expect([holder.overdue, waiting.overdue]).toEqual([0, 0]);
  });

  test("frees the GPU for the others when it is passed", async () => {
    const hung = guest(EQUAL, { submit: 1e9, every: 0 });
    await run([hung], 100);
    const other = guest(EQUAL, HOG);
    await run([other], 2000);
    expect(hung.overdue).toBe(1);
    expect(other.used).toBeGreaterThan(1400);
  });
});

describe("a submit that does not end", () => {
  test("holds up the others for a quarter of a second, and no longer", async () => {
    const [hung, other] = [guest(EQUAL, { submit: 1e9, every: 0 }), guest(EQUAL, HOG)];
    await run([hung], 100);
    other.start();
    await vi.advanceTimersByTimeAsync(250);
    expect(other.used).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(other.used).toBeGreaterThan(80);
  });

  test("is held by one that says it ends again and again, and holds up the others no longer", async () => {
    const [liar, other] = [guest(EQUAL, { submit: 1e9, every: 0 }), guest(EQUAL, HOG)];
    const lies = setInterval(() => scheduler.progress(liar.seat), 50);
    await run([liar, other], 10_000);
    clearInterval(lies);
    expect(other.used).toBeGreaterThan(9_000);
  });

  test("gets its session no lease for another before it has ended", async () => {
    const [slow, other] = [guest(EQUAL, { submit: 400, every: 0 }), guest(EQUAL, HOG)];
    const grant = vi.spyOn(slow.seat.events, "grant");
    await run([slow, other], 300);
    scheduler.wanted(slow.seat);
    await vi.advanceTimersByTimeAsync(90);
    expect(grant).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(grant.mock.calls.length).toBeGreaterThan(1);
  });
});

test("who leaves while it holds the GPU frees it", async () => {
  const [first, second] = [guest(EQUAL, { submit: 400, every: 0 }), guest(EQUAL, HOG)];
  await run([first], 10);
  second.start();
  await vi.advanceTimersByTimeAsync(1);
  expect(second.used).toBe(0);
  scheduler.leave(first.seat);
  scheduler.leave(first.seat);
  await vi.advanceTimersByTimeAsync(100);
  expect(second.used).toBeGreaterThan(80);
});

test("time that is used beside every lease is charged all the same", async () => {
  const [honest, liar] = [guest(EQUAL, HOG), guest(EQUAL, HOG)];
  const beside = setInterval(() => scheduler.chargeBeside(liar.seat, 300), 1000);
  await run([honest, liar], 20_000);
  clearInterval(beside);
  expect(honest.used / 20_000).toBeCloseTo(0.65, 1);
  expect(liar.used / 20_000).toBeCloseTo(0.35, 1);
});
