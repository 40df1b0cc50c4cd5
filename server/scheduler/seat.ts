import { isDeepStrictEqual } from "node:util";
import type { GpuShare } from "#shared/admin/gpu-share.ts";

/** What a fixed share may save up, in milliseconds of the whole GPU: about a frame's work. */
const FIXED_BURST_MS = 100;

/** Frames that were missed are made good for so long. */
const LATENESS_MS = 100;

/** What a stray submit is charged and its deadline counts of each millisecond: the GPU is not its alone. */
const STRAY_PART = 0.5;

/** A program that finished no frame for so long draws none. */
const NO_FRAMES_MS = 1000;

export type SeatEvents = {
  /** The worker may submit. `isContended`: others want the GPU too, so one submit at a time. */
  grant(lease: number, isContended: boolean): void;
  /** The worker is to give the lease back when what it has submitted is done. */
  revoke(lease: number): void;
  /** One submit has been under way for so many milliseconds. The seat is gone; its worker is to be killed. */
  overdue(milliseconds: number): void;
};

/** One session's place at the GPU: what it holds, and what it has had. Times are performance.now()'s. */
export class Seat {
  readonly events: SeatEvents;
  isWaiting = false;
  isRevoked = false;
  lease: number | undefined;
  lastWanted = -Infinity;
  grantedAt = -Infinity;
  revokedAt = -Infinity;
  restedAt = -Infinity;
  /** Since when the GPU works for it without a word that a submit is done; Infinity while it rests. */
  busySince = Infinity;
  /** Since when others use the GPU beside what it has under way. */
  #strayedAt = Infinity;
  #chargedTo = 0;
  /** GPU milliseconds by weight: who has the least is next. */
  #virtual = 0;
  #share: GpuShare;
  /** When the next frame of a target frame rate begins to be late. */
  #frameDue = -Infinity;
  #lastFrame = -Infinity;
  /** Of a fixed share. */
  #savings = FIXED_BURST_MS;
  #savedTo = performance.now();

  constructor(share: GpuShare, events: SeatEvents) {
    this.#share = share;
    this.events = events;
  }

  get share(): GpuShare {
    return this.#share;
  }

  set share(share: GpuShare) {
    if (isDeepStrictEqual(share, this.#share)) return; // To be given the same again saves nothing up.
    this.#share = share;
    this.#savings = FIXED_BURST_MS;
    this.#savedTo = performance.now();
  }

  get isBusy(): boolean {
    return this.busySince < Infinity;
  }

  isActive(now: number, recentMs: number): boolean {
    return this.isWaiting || this.isBusy || now - this.lastWanted < recentMs;
  }

  grant(lease: number, now: number): void {
    this.lease = lease;
    this.isWaiting = false;
    this.isRevoked = false;
    this.grantedAt = now;
  }

  /** Its lease is taken without its giving it back: what it has under way is not waited for. */
  stray(now: number): void {
    this.lease = undefined;
    if (this.isBusy) this.#strayedAt = now;
  }

  begin(now: number): void {
    if (this.isBusy) return;
    this.busySince = now;
    this.#chargedTo = now;
    this.lastWanted = now;
    this.#strayedAt = this.lease === undefined ? now : Infinity;
  }

  /** Charges up to now, and begins the deadline anew. Returns the milliseconds. */
  charge(now: number, weight: number): number {
    if (!this.isBusy) return 0;
    const spent = this.#uncharged(now);
    this.#chargedTo = now;
    this.busySince = now;
    this.lastWanted = now;
    this.add(spent, weight);
    return spent;
  }

  add(milliseconds: number, weight: number): void {
    this.#virtual += milliseconds / weight;
    this.#savings -= milliseconds;
  }

  rest(now: number): void {
    if (this.isBusy) this.restedAt = now;
    this.busySince = Infinity;
    this.#strayedAt = Infinity;
  }

  /** What it had, by weight, with what is under way. */
  virtualTime(now: number, weight: number): number {
    return this.#virtual + this.#uncharged(now) / weight;
  }

  frameFinished(now: number): void {
    if (this.#share.policy !== "target-frame-rate") return;
    this.#lastFrame = now;
    const interval = 1000 / this.#share.frameRate;
    // A frame that came early makes the next one due no later: nobody saves up time in which it may be slow.
    this.#frameDue = Math.min(Math.max(this.#frameDue, now - LATENESS_MS), now) + interval;
  }

  /** Behind a target frame rate. Who draws nothing (it computes) is behind nothing. */
  isFrameDue(now: number): boolean {
    return now >= this.#frameDue && now - this.#lastFrame < NO_FRAMES_MS;
  }

  atLeast(virtual: number): void {
    this.#virtual = Math.max(this.#virtual, virtual);
  }

  /** A fixed share is used up for now. */
  isSpent(now: number): boolean {
    return this.#saved(now) <= 0;
  }

  /** A fixed share that had less than its part lately. */
  isOwed(now: number): boolean {
    return this.#saved(now) > FIXED_BURST_MS / 2;
  }

  /** When a fixed share is used up, or no longer: Infinity for the others. */
  nextChange(now: number): number {
    if (this.share.policy !== "fixed-share") return Infinity;
    const saved = this.#saved(now);
    const part = this.share.percent / 100;
    if (this.isBusy && this.lease !== undefined && !this.isRevoked) {
      return part < 1 ? now + Math.max(1, saved / (1 - part)) : Infinity;
    }
    return this.isWaiting && saved <= 0 ? now + -saved / part + 1 : Infinity;
  }

  overdueAt(deadlineMs: number): number {
    const whole = this.busySince + deadlineMs;
    if (whole <= this.#strayedAt) return whole;
    const from = Math.max(this.busySince, this.#strayedAt);
    return from + (whole - from) / STRAY_PART;
  }

  /** Of what is under way. */
  #uncharged(now: number): number {
    if (!this.isBusy) return 0;
    const stray = Math.max(0, now - Math.max(this.#chargedTo, this.#strayedAt));
    return now - this.#chargedTo - stray * (1 - STRAY_PART);
  }

  #saved(now: number): number {
    if (this.share.policy !== "fixed-share") return Infinity;
    const part = this.share.percent / 100;
    this.#savings = Math.min(FIXED_BURST_MS, this.#savings + (now - this.#savedTo) * part);
    this.#savedTo = now;
    return this.#savings - this.#uncharged(now);
  }
}
