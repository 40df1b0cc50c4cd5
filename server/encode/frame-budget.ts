// A rate control counts frames; a link counts bits a second. With frames at an even pace both are one. A guest's are
// not: they stop, come at 12 a second from a software GPU, then at 60. So each frame is given what the link carries
// until the next is due, and the encoder is told the bitrate that this makes at a frame rate which never changes.

/** What every encoder is told. Faster frames than these get no smaller. */
export const NOMINAL_FRAME_RATE = 60;

/** Slower frames get no larger: one that takes the link longer than this (1 / 20 s) is a delay that is felt. */
export const SLOWEST_FRAME_RATE = 20;

/** Frames a second assumed before any was seen. */
const FIRST_FRAME_RATE = 30;

/** Intervals whose mean is the present pace: one late frame makes the next seem early. */
const PRESENT_INTERVALS = 4;

/** Frames for which a pace must have been lower before frames may grow. */
const FALL_FRAMES = 20;

/** A change of less than this part is not worth a retarget. */
const HYSTERESIS = 0.1;

/** The pace of a stream's frames: follows a rise within a few frames, a fall only when it lasts. */
export class FramePace {
  readonly #intervals = Array<number>(PRESENT_INTERVALS).fill(1000 / FIRST_FRAME_RATE);
  readonly #rates = Array<number>(FALL_FRAMES).fill(FIRST_FRAME_RATE);
  #frameRate = FIRST_FRAME_RATE;
  #last: number | undefined;

  /** Frames a second, between 20 and 60: what a frame's share of the bitrate is counted by. */
  get frameRate(): number {
    return this.#frameRate;
  }

  /** A frame is encoded at this time (milliseconds, monotonic). */
  note(time: number): void {
    const last = this.#last;
    this.#last = time;
    if (last === undefined) return;
    const interval = Math.max(1000 / NOMINAL_FRAME_RATE, time - last);
    this.#intervals.shift();
    this.#intervals.push(Math.min(1000 / SLOWEST_FRAME_RATE, interval));
    this.#rates.shift();
    this.#rates.push((1000 * PRESENT_INTERVALS) / this.#intervals.reduce((sum, one) => sum + one));
    const rate = Math.max(...this.#rates);
    if (Math.abs(rate / this.#frameRate - 1) > HYSTERESIS) this.#frameRate = rate;
  }
}

/** What an encoder is told so that its frames fit a link of `bitrate` (bits a second) at `frameRate`. */
export function frameBudget(
  bitrate: number,
  frameRate: number,
): { readonly bitrate: number; readonly frameBits: number } {
  const frameBits = Math.round(bitrate / frameRate);
  return { bitrate: frameBits * NOMINAL_FRAME_RATE, frameBits };
}
