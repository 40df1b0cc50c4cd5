import type { GpuShare } from "#shared/admin/gpu-share.ts";
import { priorityOf, weightOf } from "./gpu-share.ts";
import { Seat, type SeatEvents } from "./seat.ts";

// Who may submit work to the GPU, and when. A worker submits nothing without a lease. While only one session
// wants the GPU it keeps its lease, also when it rests: nobody waits for anything. When another wants it too, the
// lease goes round: the session that had the least for its share is next, and who holds it gives it back after a slice,
// or after the submit that is under way. Time is charged as seen from here, from a lease's use to the word that the GPU
// is done, so that a worker that was taken over gains nothing by its own figures.

/** A lease is not taken back earlier from who uses it: below, more time goes to changing than to drawing. */
const SLICE_MS = 4;

/** A session that rested is treated as having had so much less than the others, and no more: rest is not saved up. */
const REST_CREDIT_MS = 20;

/** Who is next by what it had and rests for less than this keeps its lease: it is about to submit again. */
const ANTICIPATION_MS = 3;

/** A lease that was given and is not used, or was taken back from who rests, is waited for no longer than this. */
const PATIENCE_MS = 25;

/**
 * What is under way when a lease is taken back is waited for no longer than this: an endless shader must not hold up the
 * others until its deadline, nor a worker that was taken over with its word. Past it, they use the GPU beside it.
 */
const BUSY_PATIENCE_MS = 250;

/** So long after it was last used a session still counts as one that wants the GPU. */
const RECENT_MS = 500;

export type GpuSchedulerOptions = {
  /** GPU time of one submit, in milliseconds, past which its worker is to be killed; asked each time. */
  readonly deadlineMs: () => number;
};

/** Shares one GPU among sessions. Owns timers: whoever makes one closes it. */
export class GpuScheduler implements Disposable {
  readonly #deadline: () => number;
  readonly #seats = new Set<Seat>();
  #lastLease = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ deadlineMs }: GpuSchedulerOptions) {
    this.#deadline = deadlineMs;
  }

  /** GPU time of one submit, in milliseconds, that is too long. */
  get deadlineMs(): number {
    return this.#deadline();
  }

  /** A place for one worker; the caller calls leave() when the worker is gone. */
  join(share: GpuShare, events: SeatEvents): Seat {
    const seat = new Seat(share, events);
    this.#seats.add(seat);
    return seat;
  }

  /** What it held is free at once. Idempotent. */
  leave(seat: Seat): void {
    if (this.#seats.delete(seat)) this.#schedule();
  }

  /** Takes effect at once, also for who holds a lease. */
  setShare(seat: Seat, share: GpuShare): void {
    seat.share = share;
    this.#schedule();
  }

  /** A target frame rate counts these. */
  frameFinished(seat: Seat): void {
    seat.frameFinished(performance.now());
  }

  /** The worker has work to submit and no lease. */
  wanted(seat: Seat): void {
    const now = performance.now();
    if (seat.isWaiting) return;
    if (!seat.isActive(now, RECENT_MS)) this.#wake(seat);
    seat.isWaiting = true;
    seat.lastWanted = now;
    this.#schedule();
  }

  /** The worker uses its lease: the deadline counts from here. */
  busy(seat: Seat): void {
    const now = performance.now();
    if (!seat.isActive(now, RECENT_MS)) this.#wake(seat);
    seat.begin(now);
    this.#schedule();
  }

  /** A submit is done and others are under way. Returns the milliseconds charged, as all that follow. */
  progress(seat: Seat): number {
    const spent = seat.charge(performance.now(), this.#weight(seat));
    this.#schedule();
    return spent;
  }

  /** All that was submitted is done; the worker keeps its lease. */
  idle(seat: Seat): number {
    const spent = seat.charge(performance.now(), this.#weight(seat));
    seat.rest(performance.now());
    this.#schedule();
    return spent;
  }

  /** All that was submitted is done, and the lease is given back. A lease that was taken back earlier is nobody's. */
  returned(seat: Seat, lease: number): number {
    const spent = seat.charge(performance.now(), this.#weight(seat));
    seat.rest(performance.now());
    if (seat.lease === lease) seat.lease = undefined;
    this.#schedule();
    return spent;
  }

  /** Time that was used beside every lease, as its process's processor time tells: it is charged all the same. */
  chargeBeside(seat: Seat, milliseconds: number): void {
    seat.add(milliseconds, this.#weight(seat));
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#seats.clear();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    this.#endOverdue(now);
    let next = Infinity;
    for (;;) {
      const waiting = this.#first(now);
      const holders = [...this.#seats].filter(({ lease }) => lease !== undefined);
      for (const holder of holders) {
        if (holder.isRevoked) next = Math.min(next, this.#expect(holder, waiting, now));
        // A fixed share is also the most that its session gets.
        else if (holder.isSpent(now)) this.#revoke(holder, waiting, now);
        else if (waiting !== undefined) next = Math.min(next, this.#yield(holder, waiting, now));
      }
      const isFree = holders.every(
        (holder) =>
          holder.lease === undefined || (waiting !== undefined && together(holder, waiting)),
      );
      if (waiting === undefined || !isFree) break;
      this.#grant(waiting, now);
    }
    for (const seat of this.#seats) {
      next = Math.min(next, seat.nextChange(now), seat.overdueAt(this.deadlineMs));
    }
    if (next < Infinity) {
      this.#timer = setTimeout(() => this.#schedule(), Math.max(1, Math.ceil(next - now)));
    }
  }

  /** Takes the lease back if it is time; returns when it may be, else. */
  #yield(holder: Seat, waiting: Seat, now: number): number {
    if (together(holder, waiting)) return Infinity;
    const [mine, theirs] = [priorityOf(holder, now), priorityOf(waiting, now)];
    const gap = holder.virtualTime(now, this.#weight(holder)) - waiting.virtualTime(now, 1);
    const isTheirTurn = theirs < mine || (theirs === mine && gap >= 0);
    if (!holder.isBusy) {
      // Between two submits, or the grant is on its way: it keeps its turn for a moment.
      const isUnused = holder.restedAt < holder.grantedAt;
      const until = isUnused ? holder.grantedAt + PATIENCE_MS : holder.restedAt + ANTICIPATION_MS;
      return (isTheirTurn && !isUnused) || now >= until
        ? this.#revoke(holder, waiting, now)
        : until;
    }
    const sliceEnds = holder.grantedAt + SLICE_MS;
    if (now < sliceEnds) return sliceEnds;
    if (theirs > mine) return Infinity;
    if (!isTheirTurn) return now + Math.max(SLICE_MS, -gap * this.#weight(holder));
    return this.#revoke(holder, waiting, now);
  }

  /** Of those that wait, who is next. */
  #first(now: number): Seat | undefined {
    let first: Seat | undefined;
    for (const seat of this.#seats) {
      // One that is busy without a lease has yet to end what it began.
      if (!seat.isWaiting || seat.lease !== undefined || seat.isBusy || seat.isSpent(now)) continue;
      if (first === undefined || isBefore(seat, first, now)) first = seat;
    }
    return first;
  }

  #grant(seat: Seat, now: number): void {
    const lease = ++this.#lastLease;
    const isContended = [...this.#seats].some(
      (other) => other !== seat && other.isActive(now, RECENT_MS) && !together(other, seat),
    );
    seat.grant(lease, now);
    seat.events.grant(lease, isContended);
  }

  /** Returns when to look again. */
  #revoke(seat: Seat, waiting: Seat | undefined, now: number): number {
    seat.isRevoked = true;
    seat.revokedAt = now;
    if (seat.lease !== undefined) seat.events.revoke(seat.lease);
    return this.#expect(seat, waiting, now);
  }

  /**
   * Who rests gives its lease back at once, unless it has begun another submit meanwhile: then it says so, and gives back
   * when that is done. Who says nothing has its hands full (it compiles, say), and is not waited for; nor is who takes long.
   */
  #expect(seat: Seat, waiting: Seat | undefined, now: number): number {
    if (seat.isBusy && waiting === undefined) return Infinity;
    const until = seat.revokedAt + (seat.isBusy ? BUSY_PATIENCE_MS : PATIENCE_MS);
    if (now < until) return until;
    seat.stray(now);
    return Infinity;
  }

  #endOverdue(now: number): void {
    for (const seat of this.#seats) {
      if (now < seat.overdueAt(this.deadlineMs)) continue;
      this.#seats.delete(seat);
      seat.events.overdue(now - seat.busySince);
    }
  }

  /** A session begins again after a rest: it comes before the others by a little, not by all it did not use. */
  #wake(seat: Seat): void {
    const now = performance.now();
    let least = Infinity;
    for (const other of this.#seats) {
      if (other !== seat && other.isActive(now, RECENT_MS)) {
        least = Math.min(least, other.virtualTime(now, this.#weight(other)));
      }
    }
    if (least < Infinity) seat.atLeast(least - REST_CREDIT_MS / this.#weight(seat));
  }

  #weight(seat: Seat): number {
    return weightOf(seat, this.#seats);
  }
}

function isBefore(one: Seat, other: Seat, now: number): boolean {
  const [a, b] = [priorityOf(one, now), priorityOf(other, now)];
  return a === b ? one.virtualTime(now, 1) < other.virtualTime(now, 1) : a < b;
}

/** Best effort is no order at all: such sessions use the GPU at the same time. */
function together(one: Seat, other: Seat): boolean {
  return one.share.policy === "best-effort" && other.share.policy === "best-effort";
}
