import type { SettledPacket } from "./send-log.ts";

// Probes: bursts at a rate above the estimate, to see whether it arrives at that rate. A stream of a
// picture at rest sends next to nothing, so that only probes can tell what a sudden change may use.

/** What the pacer is to send as one burst. */
export type ProbePlan = {
  readonly probe: number;
  /** Bits a second. */
  readonly rate: number;
  readonly bytes: number;
};

const PROBE_MS = 20;
const LEAST_BYTES = 12_000;
const PAUSE_MS = 5000;
/** After congestion the way is left alone for longer. */
const CONGESTED_PAUSE_MS = 10_000;
/** Feedback that did not come until then will not come. */
const EXPIRY_MS = 1000;
/** Arriving at this much of the rate at which it left, the burst found no bottleneck. */
const CLEAR = 0.85;

type Running = ProbePlan & {
  readonly startedAt: number;
  packets: number;
  bytesSettled: number;
  bytesArrived: number;
  firstSent: number;
  lastSent: number;
  firstArrived: number;
  lastArrived: number;
  firstBytes: number;
};

export class ProbeSchedule {
  /** Bits a second that nobody asks to exceed. */
  max: number;
  #count = 0;
  #nextAt = -Infinity;
  #running: Running | undefined;

  constructor(max: number) {
    this.max = max;
  }

  next(estimate: number, now: number): ProbePlan | undefined {
    if (this.#running !== undefined && now - this.#running.startedAt > EXPIRY_MS) {
      this.#running = undefined;
      this.#nextAt = now + PAUSE_MS;
    }
    if (this.#running !== undefined || now < this.#nextAt || estimate >= this.max) return undefined;
    this.#count += 1;
    const rate = Math.min(2 * estimate, this.max / CLEAR);
    const bytes = Math.max(LEAST_BYTES, (rate / 8) * (PROBE_MS / 1000));
    const plan = { probe: this.#count, rate, bytes };
    this.#running = {
      ...plan,
      startedAt: now,
      packets: 0,
      bytesSettled: 0,
      bytesArrived: 0,
      firstSent: Infinity,
      lastSent: -Infinity,
      firstArrived: Infinity,
      lastArrived: -Infinity,
      firstBytes: 0,
    };
    return plan;
  }

  /** Returns the rate that a probe found the way to carry, once its packets are accounted for. */
  settle(packets: readonly SettledPacket[], now: number): number | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    for (const packet of packets) {
      if (packet.probe !== running.probe) continue;
      running.packets += 1;
      running.bytesSettled += packet.bytes;
      if (packet.arrivedAt === undefined) continue;
      if (packet.sentAt < running.firstSent) {
        running.firstSent = packet.sentAt;
        running.firstBytes = packet.bytes;
      }
      running.bytesArrived += packet.bytes;
      running.lastSent = Math.max(running.lastSent, packet.sentAt);
      running.firstArrived = Math.min(running.firstArrived, packet.arrivedAt);
      running.lastArrived = Math.max(running.lastArrived, packet.arrivedAt);
    }
    if (running.bytesSettled < running.bytes) return undefined;
    this.#running = undefined;
    const rate = measured(running);
    // What was found at once leads to the next; what met a bottleneck waits.
    this.#nextAt = rate === undefined || rate < running.rate * CLEAR ** 2 ? now + PAUSE_MS : now;
    return rate;
  }

  congested(now: number): void {
    this.#running = undefined;
    this.#nextAt = now + CONGESTED_PAUSE_MS;
  }
}

function measured(probe: Running): number | undefined {
  if (probe.bytesArrived < 0.8 * probe.bytesSettled) return undefined;
  const bits = (probe.bytesArrived - probe.firstBytes) * 8 * 1000;
  const sendRate = bits / Math.max(1, probe.lastSent - probe.firstSent);
  const arrivalRate = bits / Math.max(1, probe.lastArrived - probe.firstArrived);
  const rate = Math.min(sendRate, probe.rate);
  return arrivalRate >= CLEAR * sendRate ? rate : 0.9 * Math.min(arrivalRate, rate);
}
