// Decides when one program may draw a frame. Pure: time comes in as an argument, in milliseconds of
// any monotonic clock, so tests run it on a fake one. tick-source.ts drives it with a timer.

/** Frames received and unfinished in the worker: one being drawn, one waiting. */
const FRAMES_IN_WORKER = 2;

/**
 * So much of a frame's time on the way hides behind the frame that waits; one more tick for it would only make input
 * older, in a program that is slower than its ticks. A way of more is filled up: with 40 ms of it, a program that takes
 * all of two frames' time to draw would have 55 frames a second of 60 left if a half were hidden.
 */
const HIDDEN_FRAMES = 1 / 4;

/** The round trip that is filled with ticks, at most. Bounds the ticks out to a peer that delays its pongs. */
export const MAX_ROUND_TRIP_MS = 1_000;

export type Step =
  | { readonly kind: "grant"; readonly tick: number }
  | { readonly kind: "wait"; readonly until: number }
  /** Nothing to do until the program, the worker or the audience changes something. */
  | { readonly kind: "idle" };

export class FramePacer {
  /** Milliseconds between ticks; 0 is unpaced. */
  #interval: number;
  #roundTrip = 0;
  #animating = false;
  /** When the next tick is due. */
  #due = Number.NEGATIVE_INFINITY;
  #lastTick = 0;
  readonly #unfinished = new Set<number>();

  constructor(interval: number) {
    this.#interval = interval;
  }

  get unfinished(): number {
    return this.#unfinished.size;
  }

  /** Ticks that may be out at once: what the worker may hold, and what is under way to it and back. */
  get allowance(): number {
    if (this.#interval === 0) return FRAMES_IN_WORKER;
    const underWay = Math.ceil(this.#roundTrip / this.#interval - HIDDEN_FRAMES);
    return FRAMES_IN_WORKER + Math.max(0, underWay);
  }

  set animating(animating: boolean) {
    this.#animating = animating;
  }

  set roundTrip(milliseconds: number) {
    this.#roundTrip = Math.min(milliseconds, MAX_ROUND_TRIP_MS);
  }

  /** A shorter interval takes effect now: who starts to watch does not wait out the slow one. */
  setInterval(interval: number, now: number): void {
    this.#interval = interval;
    this.#due = Math.min(this.#due, now + interval);
  }

  /** False: this tick was never granted, or finished before. */
  finish(tick: number): boolean {
    return this.#unfinished.delete(tick);
  }

  /** What to do now. A grant is taken: the caller sends it, and asks again. */
  step(now: number): Step {
    if (!this.#animating || this.#unfinished.size >= this.allowance) return { kind: "idle" };
    if (now < this.#due) return { kind: "wait", until: this.#due };
    // The next tick keeps the phase of this one's due time, not of `now`: a timer that is late every
    // time must not lower the rate. Slots that were missed whole are lost, not made up in a burst.
    const late = now - this.#due;
    this.#due = (late < this.#interval ? this.#due : now) + this.#interval;
    this.#lastTick = (this.#lastTick + 1) >>> 0;
    this.#unfinished.add(this.#lastTick);
    return { kind: "grant", tick: this.#lastTick };
  }
}
