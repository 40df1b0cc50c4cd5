// A rate control counts frames; a link counts bits a second. With frames at an even pace both are one. A guest's are
// not: they stop, come at 12 a second from a software GPU, then at 60. So each frame is given what the link carries
// until the next is due, and the encoder is told the bitrate that this makes at a frame rate which never changes.

/** What every encoder is told. */
export const NOMINAL_FRAME_RATE = 60;

/** Slower frames get no larger: one that takes the link longer than this (1 / 20 s) is a delay that is felt. */
export const SLOWEST_FRAME_RATE = 20;

/** Frames a second assumed before any was seen. */
const FIRST_FRAME_RATE = 30;

/** Changes of less than this factor are not worth a retarget. */
const HYSTERESIS = 1.15;

/** Intervals that must all be slower before frames may grow. */
const SLOW_INTERVALS = 20;

/** The pace of a stream's frames: follows a rise within two intervals, a fall only when it lasts. */
export class FramePace {
  #frameRate = FIRST_FRAME_RATE;
  #last: number | undefined;
  #previousRate = 0;
  /** The highest rate in the current run of slower intervals, and how many they are. */
  #slowRate = 0;
  #slowCount = 0;

  /** Frames a second, between 20 and 60: what a frame's share of the bitrate is counted by. */
  get frameRate(): number {
    return this.#frameRate;
  }

  /** A frame is encoded at this time (milliseconds, monotonic). */
  note(time: number): void {
    const interval = this.#last === undefined ? undefined : time - this.#last;
    this.#last = time;
    if (interval === undefined) return;
    const rate = Math.min(
      NOMINAL_FRAME_RATE,
      Math.max(SLOWEST_FRAME_RATE, 1000 / Math.max(1, interval)),
    );
    // Two in a row, since one late frame makes the next seem early.
    const sustained = Math.min(rate, this.#previousRate);
    this.#previousRate = rate;
    if (sustained > this.#frameRate * HYSTERESIS) {
      this.#set(sustained);
    } else if (rate * HYSTERESIS < this.#frameRate) {
      this.#slowRate = Math.max(this.#slowRate, rate);
      if (++this.#slowCount >= SLOW_INTERVALS) this.#set(this.#slowRate);
    } else {
      this.#slowCount = 0;
      this.#slowRate = 0;
    }
  }

  #set(frameRate: number): void {
    this.#frameRate = frameRate;
    this.#slowCount = 0;
    this.#slowRate = 0;
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
