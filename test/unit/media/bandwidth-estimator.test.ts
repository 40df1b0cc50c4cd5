import { describe, expect, test } from "vitest";
import { BandwidthEstimator } from "#server/media/bandwidth-estimator.ts";
import { DEFAULT_BITRATES } from "#server/media/messages.ts";
import { QueueingDelay } from "#server/media/queueing-delay.ts";
import type { SettledPacket } from "#server/media/send-log.ts";

const PACKET_BYTES = 1200;
const FEEDBACK_MS = 50;

type Link = {
  bitsPerSecond: number;
  queueMs: number;
  delayMs: number;
  /** Every so many packets one is lost. */
  loseEvery?: number;
  /** The viewer reads its socket only this often. */
  readEveryMs?: number;
};

/** A stream over a simulated link: sends at the estimate (or less), feeds back what arrived. */
class Simulation {
  readonly estimator = new BandwidthEstimator(DEFAULT_BITRATES);
  now = 0;
  #link: Link;
  #freeAt = 0;
  #count = 0;
  #underWay: SettledPacket[] = [];
  /** The viewer's clock is another one. */
  readonly #clockOffset = -123_456;

  constructor(link: Link) {
    this.#link = link;
  }

  set link(link: Link) {
    this.#link = link;
  }

  /** Runs for so long and returns the estimates on the way. */
  run(seconds: number, sourceRate = Infinity, takesPart = true): number[] {
    const estimates: number[] = [];
    const end = this.now + seconds * 1000;
    let due = this.now;
    let nextFeedback = this.now + FEEDBACK_MS;
    let nextTick = this.now + 1000;
    for (; this.now < end; this.now += 1) {
      const rate = Math.min(sourceRate, this.estimator.estimate);
      while (due <= this.now) {
        this.#send(due);
        due += (PACKET_BYTES * 8 * 1000) / rate;
      }
      const plan = this.estimator.nextProbe(this.now);
      if (plan !== undefined) {
        const count = Math.ceil(plan.bytes / PACKET_BYTES);
        const apart = (PACKET_BYTES * 8 * 1000) / plan.rate;
        for (let index = 0; index < count; index += 1) {
          this.#send(this.now + index * apart, plan.probe);
        }
      }
      if (this.now >= nextFeedback) {
        nextFeedback += FEEDBACK_MS;
        if (takesPart) this.#feedback();
      }
      if (this.now >= nextTick) {
        nextTick += 1000;
        this.estimator.silence(this.now, true);
      }
      estimates.push(this.estimator.estimate);
    }
    return estimates;
  }

  #send(at: number, probe?: number): void {
    const { bitsPerSecond, queueMs, delayMs, loseEvery, readEveryMs } = this.#link;
    this.#count += 1;
    const sent = { bytes: PACKET_BYTES, sentAt: at, ...(probe === undefined ? {} : { probe }) };
    const leavesAt = Math.max(at, this.#freeAt) + (PACKET_BYTES * 8 * 1000) / bitsPerSecond;
    const isLost = loseEvery !== undefined && this.#count % loseEvery === 0;
    if (leavesAt - at > queueMs || isLost) {
      this.#underWay.push(sent);
      return;
    }
    this.#freeAt = leavesAt;
    let arrivedAt = leavesAt + delayMs;
    if (readEveryMs !== undefined) arrivedAt = Math.ceil(arrivedAt / readEveryMs) * readEveryMs;
    this.#underWay.push({ ...sent, arrivedAt: arrivedAt + this.#clockOffset });
  }

  #feedback(): void {
    const roundTrip = this.#link.delayMs * 2;
    const isKnown = (packet: SettledPacket): boolean =>
      (packet.arrivedAt ?? packet.sentAt + this.#clockOffset) + roundTrip / 2 <=
      this.now + this.#clockOffset;
    const settled = this.#underWay.filter((packet) => isKnown(packet));
    this.#underWay = this.#underWay.filter((packet) => !isKnown(packet));
    this.estimator.roundTripMeasured(roundTrip);
    this.estimator.feedback(settled, this.now);
  }
}

const FAST = { bitsPerSecond: 1e9, queueMs: 100, delayMs: 1 };
const lowest = (estimates: readonly number[]): number => Math.min(...estimates);
const highest = (estimates: readonly number[]): number => Math.max(...estimates);

describe("the estimate", () => {
  test("starts where it is told to", () => {
    expect(new BandwidthEstimator(DEFAULT_BITRATES).estimate).toBe(DEFAULT_BITRATES.start);
  });

  test.for([
    { what: "a fast network", within: 2, link: FAST, rate: Infinity },
    { what: "a picture at rest", within: 2, link: FAST, rate: 300_000 },
    { what: "2 % lost at random", within: 2, link: { ...FAST, loseEvery: 50 }, rate: Infinity },
    {
      what: "a viewer that reads in bunches",
      within: 8,
      link: { ...FAST, readEveryMs: 30 },
      rate: Infinity,
    },
  ])("reaches its most within $within s and stays there: $what", ({ within, link, rate }) => {
    const simulation = new Simulation(link);
    simulation.run(within, rate);
    expect(lowest(simulation.run(30, rate))).toBe(DEFAULT_BITRATES.max);
  });

  test.for([{ mbps: 1 }, { mbps: 3 }, { mbps: 8 }])(
    "finds a bottleneck of $mbps Mbit/s and uses most of it",
    ({ mbps }) => {
      const capacity = mbps * 1e6;
      const simulation = new Simulation({ bitsPerSecond: capacity, queueMs: 300, delayMs: 20 });
      simulation.run(15);
      const estimates = simulation.run(30);
      expect(highest(estimates)).toBeLessThan(capacity * 1.25);
      const mean = estimates.reduce((sum, value) => sum + value, 0) / estimates.length;
      expect(mean).toBeGreaterThan(capacity * 0.6);
    },
  );

  test("falls when the network becomes slower, and rises again after", () => {
    const simulation = new Simulation({ ...FAST, delayMs: 10 });
    simulation.run(3);
    simulation.link = { bitsPerSecond: 2e6, queueMs: 300, delayMs: 10 };
    simulation.run(10);
    expect(highest(simulation.run(5))).toBeLessThan(2.6e6);
    simulation.link = { ...FAST, delayMs: 10 };
    simulation.run(20);
    expect(simulation.estimator.estimate).toBe(DEFAULT_BITRATES.max);
  });

  test("falls when much is lost, though nothing is delayed", () => {
    const simulation = new Simulation({ ...FAST, loseEvery: 5 });
    simulation.run(5);
    expect(simulation.estimator.estimate).toBeLessThan(DEFAULT_BITRATES.start);
  });

  test("takes a longer way for what it is", () => {
    const simulation = new Simulation(FAST);
    simulation.run(3);
    simulation.link = { ...FAST, delayMs: 80 };
    simulation.run(40);
    expect(simulation.estimator.estimate).toBe(DEFAULT_BITRATES.max);
  });

  test("falls to its least, and no further, when a viewer tells nothing any more", () => {
    const simulation = new Simulation(FAST);
    simulation.run(3);
    simulation.run(30, Infinity, false);
    expect(simulation.estimator.estimate).toBe(DEFAULT_BITRATES.min);
  });

  test("falls at once to another bound, and finds the room that a third one gives", () => {
    const simulation = new Simulation(FAST);
    simulation.run(3);
    simulation.estimator.bounds = { ...DEFAULT_BITRATES, max: 500_000 };
    expect(simulation.estimator.estimate).toBe(500_000);
    expect(highest(simulation.run(10))).toBe(500_000);
    simulation.estimator.bounds = { ...DEFAULT_BITRATES, max: 8_000_000 };
    expect(highest(simulation.run(5))).toBe(8_000_000);
    expect(lowest(simulation.run(5))).toBe(8_000_000);
  });

  test("does not fall while nothing is sent", () => {
    const simulation = new Simulation(FAST);
    simulation.run(3);
    for (let second = 1; second < 60; second += 1) {
      simulation.estimator.silence(simulation.now + second * 1000, false);
    }
    expect(simulation.estimator.estimate).toBe(DEFAULT_BITRATES.max);
  });
});

describe("the queueing delay", () => {
  test("is what packets wait over the least", () => {
    const delay = new QueueingDelay();
    for (let at = 0; at < 300; at += 10) delay.add(at, 1000);
    expect(delay.current(300)).toBe(0);
    for (let at = 300; at < 700; at += 10) delay.add(at, 1040);
    expect(delay.current(700)).toBe(40);
  });

  test("does not see a few late packets", () => {
    const delay = new QueueingDelay();
    for (let at = 0; at < 300; at += 10) delay.add(at, at % 50 === 0 ? 1000 : 1060);
    expect(delay.current(300)).toBe(0);
  });

  test("is unknown from too few packets", () => {
    const delay = new QueueingDelay();
    for (let at = 0; at < 4; at += 1) delay.add(at, 1000);
    expect(delay.current(4)).toBeUndefined();
    delay.add(4, 1000);
    expect(delay.current(4)).toBe(0);
  });
});
