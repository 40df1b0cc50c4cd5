import type { BitrateBounds } from "./messages.ts";
import { type ProbePlan, ProbeSchedule } from "./probe.ts";
import { QueueingDelay } from "./queueing-delay.ts";
import type { SettledPacket } from "./send-log.ts";

// Congestion control of one viewer's stream, sender side, on transport-wide feedback. Its shape is
// Google Congestion Control (draft-ietf-rmcat-gcc-02): a delay rule and a loss rule, multiplicative
// both ways, and probes (short bursts at a higher rate) to find room that the stream does not use.
// Its delay rule is not GCC's trend filter but the size of the standing queue (as LEDBAT, RFC 6817),
// because a viewer on a busy machine reads its socket late and in bunches, which a trend mistakes
// for a filling queue.

/** Above it the network's queue is ours to drain; under half of it there is room. */
const QUEUE_LIMIT_MS = 25;
const BACKOFF = 0.85;
/** GCC, 5.5: 8 % a second. */
const GROWTH_PER_SECOND = 1.08;
/** GCC, 6: over 10 % lost is congestion, under 2 % is none. */
const LOSS_HIGH = 0.1;
const LOSS_LOW = 0.02;
const LOSS_WINDOW_MS = 500;
const LOSS_LEAST_PACKETS = 20;
/** A cut shows in the queue only after what is under way arrived. */
const CUT_PAUSE_MS = 300;
const GROW_AFTER_CUT_MS = 1000;
/** After so many cuts that did not shorten the queue, it is not our queue. */
const FUTILE_CUTS = 4;
const ACKED_WINDOW_MS = 500;
const SILENCE_MS = 1500;

export class BandwidthEstimator {
  #bounds: BitrateBounds;
  readonly #queueing = new QueueingDelay();
  readonly #probes: ProbeSchedule;
  #estimate: number;
  #acked: { at: number; bytes: number }[] = [];
  #lossSince: number | undefined;
  #lost = 0;
  #received = 0;
  #lossFraction = 0;
  #roundTrip = 50;
  #cutAt = -Infinity;
  #futileCuts = 0;
  #queueAtCut = Infinity;
  #feedbackAt: number | undefined;

  constructor(bounds: BitrateBounds) {
    this.#bounds = bounds;
    this.#estimate = bounds.start;
    this.#probes = new ProbeSchedule(bounds.max);
  }

  /** Bits a second that the way to the viewer is thought to carry. */
  get estimate(): number {
    return this.#estimate;
  }

  /** A raised bound gives room to grow into; what is over a lowered one is cut at once. */
  set bounds(bounds: BitrateBounds) {
    this.#bounds = bounds;
    this.#probes.max = bounds.max;
    this.#set(this.#estimate);
  }

  /** Fraction of packets lost lately, 0 to 1. */
  get lossFraction(): number {
    return this.#lossFraction;
  }

  roundTripMeasured(milliseconds: number): void {
    this.#roundTrip = milliseconds;
  }

  /** A probe to send now, if one is due. */
  nextProbe(now: number): ProbePlan | undefined {
    return this.#probes.next(this.#estimate, now);
  }

  feedback(packets: readonly SettledPacket[], now: number): void {
    if (packets.length === 0) return;
    const elapsed = now - (this.#feedbackAt ?? now);
    this.#feedbackAt = now;
    let lastArrival: number | undefined;
    for (const { arrivedAt, sentAt, bytes } of packets) {
      if (arrivedAt === undefined) {
        this.#lost += 1;
        continue;
      }
      this.#received += 1;
      this.#queueing.add(now, arrivedAt - sentAt);
      this.#acked.push({ at: arrivedAt, bytes });
      lastArrival = Math.max(lastArrival ?? arrivedAt, arrivedAt);
    }
    if (lastArrival !== undefined) {
      const since = lastArrival - ACKED_WINDOW_MS;
      this.#acked = this.#acked.filter(({ at }) => at > since);
    }
    const found = this.#probes.settle(packets, now);
    if (found !== undefined && found > this.#estimate) this.#set(found);
    this.#obeyLoss(now);
    this.#obeyQueue(now, elapsed);
  }

  /** To be called now and then: a viewer that is sent packets and tells nothing of them gets less. */
  silence(now: number, hasSent: boolean): void {
    if (hasSent && now - (this.#feedbackAt ?? now) < SILENCE_MS) return;
    if (hasSent && this.#feedbackAt !== undefined) this.#cut(now, this.#estimate / 2);
    this.#feedbackAt = now;
  }

  #obeyLoss(now: number): void {
    this.#lossSince ??= now;
    const total = this.#lost + this.#received;
    if (now - this.#lossSince < LOSS_WINDOW_MS || total < LOSS_LEAST_PACKETS) return;
    this.#lossFraction = this.#lost / total;
    this.#lossSince = now;
    this.#lost = 0;
    this.#received = 0;
    if (this.#lossFraction > LOSS_HIGH && this.#mayCut(now)) {
      this.#cut(now, this.#estimate * (1 - 0.5 * this.#lossFraction));
    }
  }

  #obeyQueue(now: number, elapsed: number): void {
    const queue = this.#queueing.current(now);
    if (queue === undefined) return;
    if (queue > QUEUE_LIMIT_MS) {
      if (!this.#mayCut(now)) return;
      this.#futileCuts = queue > 0.8 * this.#queueAtCut ? this.#futileCuts + 1 : 0;
      if (this.#futileCuts >= FUTILE_CUTS) {
        this.#queueing.rebase();
        this.#futileCuts = 0;
        this.#queueAtCut = Infinity;
        return;
      }
      this.#queueAtCut = queue;
      // A stream that sends less than it may tells how fast it was, not how fast the way is.
      const base = this.#isLimitedBySource() ? this.#estimate : this.#ackedRate();
      this.#cut(now, BACKOFF * Math.min(base, this.#estimate));
      return;
    }
    this.#futileCuts = 0;
    this.#queueAtCut = Infinity;
    const hasRoom = queue < QUEUE_LIMIT_MS / 2 && this.#lossFraction <= LOSS_LOW;
    if (hasRoom && now - this.#cutAt > GROW_AFTER_CUT_MS && !this.#isLimitedBySource()) {
      this.#set(this.#estimate * GROWTH_PER_SECOND ** (Math.min(elapsed, 1000) / 1000));
    }
  }

  #mayCut(now: number): boolean {
    return now - this.#cutAt > CUT_PAUSE_MS + this.#roundTrip;
  }

  #cut(now: number, rate: number): void {
    this.#cutAt = now;
    this.#probes.congested(now);
    this.#set(rate);
  }

  #set(rate: number): void {
    this.#estimate = Math.min(this.#bounds.max, Math.max(this.#bounds.min, rate));
  }

  /** Bits a second that arrived lately. */
  #ackedRate(): number {
    const bytes = this.#acked.reduce((sum, packet) => sum + packet.bytes, 0);
    return (bytes * 8 * 1000) / ACKED_WINDOW_MS;
  }

  #isLimitedBySource(): boolean {
    return this.#ackedRate() < 0.6 * this.#estimate;
  }
}
