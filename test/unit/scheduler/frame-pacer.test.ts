import { describe, expect, test } from "vitest";
import { FramePacer, MAX_ROUND_TRIP_MS } from "#server/scheduler/frame-pacer.ts";

const FRAME = 1000 / 60;

/** A pacer and a clock that only the test moves. Frames take `frameTime` to finish. */
class Simulation {
  readonly pacer: FramePacer;
  readonly grants: number[] = [];
  readonly #frameTime: number;
  #now = 0;
  #finishes: { at: number; tick: number }[] = [];

  constructor(interval: number, frameTime: number) {
    this.pacer = new FramePacer(interval);
    this.pacer.animating = true;
    this.#frameTime = frameTime;
  }

  /** Runs until `end`; each timer fires `lateness` after it is due. */
  run(end: number, lateness = 0): void {
    while (this.#now < end) {
      const step = this.pacer.step(this.#now);
      if (step.kind === "grant") {
        this.grants.push(this.#now);
        this.#finishes.push({ at: this.#now + this.#frameTime, tick: step.tick });
        continue;
      }
      const wake = step.kind === "wait" ? step.until + lateness : Number.POSITIVE_INFINITY;
      const finish = this.#finishes[0];
      this.#now = Math.min(end, wake, finish?.at ?? Number.POSITIVE_INFINITY);
      if (finish !== undefined && finish.at <= this.#now) {
        this.#finishes.shift();
        if (!this.pacer.finish(finish.tick)) throw new Error(`Tick ${finish.tick} is not known.`);
      }
    }
  }
}

test("a program that does not animate is granted nothing", () => {
  const pacer = new FramePacer(FRAME);
  expect(pacer.step(0)).toEqual({ kind: "idle" });
  pacer.animating = true;
  expect(pacer.step(0)).toEqual({ kind: "grant", tick: 1 });
  pacer.animating = false;
  expect(pacer.step(1000)).toEqual({ kind: "idle" });
});

test.for([
  { why: "timers are exact", lateness: 0 },
  { why: "each timer is late by a millisecond", lateness: 1 },
  { why: "each timer is late by most of a frame", lateness: FRAME * 0.9 },
])("60 frames a second stay 60 over ten seconds when $why", ({ lateness }) => {
  const simulation = new Simulation(FRAME, 5);
  simulation.run(10_000, lateness);
  expect(simulation.grants.length).toBeGreaterThanOrEqual(599);
  expect(simulation.grants.length).toBeLessThanOrEqual(601);
});

test("a GPU slower than the pace is granted a frame as soon as one is finished", () => {
  const simulation = new Simulation(FRAME, 50);
  simulation.run(1_000);
  // Two at once, and then one whenever one is finished: two for every 50 ms.
  expect(simulation.grants.length).toBeGreaterThanOrEqual(38);
  expect(simulation.pacer.unfinished).toBeLessThanOrEqual(2);
});

test("slots that were missed are not made up in a burst", () => {
  const pacer = new FramePacer(10);
  pacer.animating = true;
  expect(pacer.step(0)).toEqual({ kind: "grant", tick: 1 });
  pacer.finish(1);
  expect(pacer.step(95)).toEqual({ kind: "grant", tick: 2 });
  pacer.finish(2);
  expect(pacer.step(95)).toEqual({ kind: "wait", until: 105 });
});

describe("the allowance", () => {
  test.for([
    { roundTrip: 0, interval: 10, allowance: 2 },
    { roundTrip: 2.5, interval: 10, allowance: 2 },
    { roundTrip: 2.6, interval: 10, allowance: 3 },
    { roundTrip: 12.5, interval: 10, allowance: 3 },
    { roundTrip: 12.6, interval: 10, allowance: 4 },
    { roundTrip: 100, interval: 10, allowance: 12 },
    // A peer that holds its pongs back gets a second's worth and no more.
    { roundTrip: MAX_ROUND_TRIP_MS, interval: 10, allowance: 102 },
    { roundTrip: MAX_ROUND_TRIP_MS + 10, interval: 10, allowance: 102 },
    { roundTrip: 60 * MAX_ROUND_TRIP_MS, interval: 10, allowance: 102 },
    { roundTrip: 100, interval: 0, allowance: 2 },
  ])(
    "is $allowance ticks for a round trip of $roundTrip ms at $interval ms a frame",
    ({ roundTrip, interval, allowance }) => {
      const pacer = new FramePacer(interval);
      pacer.roundTrip = roundTrip;
      pacer.animating = true;
      let granted = 0;
      for (let now = 0; pacer.step(now).kind !== "idle"; now += interval) granted++;
      expect(granted).toBe(allowance);
    },
  );

  test.for(
    [5, 20, 33].flatMap((frameTime) =>
      [10, 40, 60, 100, 180].map((roundTrip) => ({ frameTime, roundTrip })),
    ),
  )(
    "a program $roundTrip ms away that takes $frameTime ms for a frame keeps the frame rate",
    ({ frameTime, roundTrip }) => {
      const near = new Simulation(FRAME, frameTime);
      near.run(5_000);
      expect(near.grants.length).toBeGreaterThanOrEqual(299);
      const far = new Simulation(FRAME, frameTime + roundTrip);
      far.pacer.roundTrip = roundTrip;
      far.run(5_000);
      expect(far.grants.length).toBeGreaterThanOrEqual(near.grants.length * 0.99);
    },
  );
});

test("without a pace, two frames are in flight and each finish grants the next", () => {
  const pacer = new FramePacer(0);
  pacer.animating = true;
  expect([pacer.step(0), pacer.step(0), pacer.step(0)]).toEqual([
    { kind: "grant", tick: 1 },
    { kind: "grant", tick: 2 },
    { kind: "idle" },
  ]);
  pacer.finish(1);
  expect(pacer.step(0)).toEqual({ kind: "grant", tick: 3 });
});

test("a tick that was never granted or is finished already is told apart", () => {
  const pacer = new FramePacer(FRAME);
  pacer.animating = true;
  pacer.step(0);
  expect([pacer.finish(2), pacer.finish(1), pacer.finish(1)]).toEqual([false, true, false]);
});

test("who starts to watch does not wait out the slow pace of nobody watching", () => {
  const pacer = new FramePacer(1_000);
  pacer.animating = true;
  pacer.step(0);
  pacer.finish(1);
  expect(pacer.step(10)).toEqual({ kind: "wait", until: 1_000 });
  pacer.setInterval(FRAME, 10);
  expect(pacer.step(10)).toEqual({ kind: "wait", until: 10 + FRAME });
});
