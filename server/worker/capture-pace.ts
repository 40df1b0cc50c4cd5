/**
 * Captures a second, whatever the profile says. Bounds what a program that presents without end makes the encoder do outside
 * its lease; and the media thread takes a worker that sends over MAX_ACCESS_UNITS_PER_SECOND (240, with those that repeat
 * a picture) for one that was taken over.
 */
export const MAX_CAPTURES_PER_SECOND = 200;

/** Captures at once after a rest: ticks that come late come in bunches. */
export const CAPTURE_BURST = 4;

/** A program whose ticks are granted at just this rate must not lose frames to another clock. */
const SLACK = 1.1;

/** Says when the next picture may be captured. Time is the caller's, in milliseconds. */
export class CapturePace {
  #interval = 1000 / MAX_CAPTURES_PER_SECOND;
  /** When the next capture is due at an even pace. */
  #due = -Infinity;

  /** Frames a second that the session is to show. */
  set frameRate(frameRate: number) {
    this.#interval = 1000 / Math.min(frameRate * SLACK, MAX_CAPTURES_PER_SECOND);
    this.#due = -Infinity; // What a slower pace owed must not hold back the first picture of a faster one.
  }

  take(now: number): boolean {
    if (this.wait(now) > 0) return false;
    this.#due = Math.max(this.#due, now) + this.#interval;
    return true;
  }

  /** Until take() is true. */
  wait(now: number): number {
    return Math.max(0, this.#due - (CAPTURE_BURST - 1) * this.#interval - now);
  }
}
