/** Milliseconds without change after which a picture is at rest. */
export const REST_AFTER_MS = 150;

/** Milliseconds between the frames that sharpen it: each may take what the link carries in this time. */
export const SHARPEN_EVERY_MS = 50;

/** Frames that sharpen a picture at most. */
export const SHARPEN_FRAMES = 8;

/**
 * Milliseconds between the frames that only show that the stream lives. libwebrtc asks for a key frame where none
 * came for 3 s (`kMaxWaitForFrame` in video_receive_stream2.cc), which costs a hundred times this one.
 */
export const LIVENESS_EVERY_MS = 2_500;

/** A frame that takes less than this part of its budget has nothing left to sharpen. */
const NOTHING_LEFT = 1 / 16;

/**
 * Says when a picture that no longer changes is encoded again. A moving picture is coarse, since each frame must fit
 * the link until the next; at rest the same picture, encoded again, fills in what was left out. Then it is encoded
 * now and then for as long as somebody watches, to a few bytes, so that no viewer takes the stream for broken.
 */
export class RestSchedule {
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined;
  #left = 0;
  #isDue = false;

  /** @param wake is called when isDue becomes true */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** The picture changed. */
  moved(): void {
    this.stop();
  }

  /**
   * A frame was encoded.
   *
   * @param unit its bytes, and the bytes that it was allowed
   * @param isAtRest the picture was encoded before
   */
  encoded(
    unit: {
      readonly payload: Uint8Array;
      readonly budget: number;
      readonly isKeyFrame: boolean;
    },
    isAtRest: boolean,
  ): void {
    this.#clear();
    if (!isAtRest || unit.isKeyFrame) {
      this.#left = SHARPEN_FRAMES;
      this.#arm(isAtRest ? SHARPEN_EVERY_MS : REST_AFTER_MS);
    } else if (--this.#left > 0 && unit.payload.length > unit.budget * NOTHING_LEFT) {
      this.#arm(SHARPEN_EVERY_MS);
    } else {
      this.#left = 0;
      this.#arm(LIVENESS_EVERY_MS);
    }
  }

  stop(): void {
    this.#clear();
    this.#left = 0;
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#isDue = false;
  }

  #arm(delay: number): void {
    this.#timer = setTimeout(() => {
      this.#isDue = true;
      this.#wake();
    }, delay);
  }
}
