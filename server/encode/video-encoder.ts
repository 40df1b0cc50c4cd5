import type { EncoderBackend } from "./backends.ts";
import { EncoderContext } from "./encoder-context.ts";
import { EncodeError } from "./errors.ts";
import { FramePace, NOMINAL_FRAME_RATE, SLOWEST_FRAME_RATE, frameBudget } from "./frame-budget.ts";
import { h264Level } from "./h264-level.ts";
import { DEFAULT_BITRATE, MAX_BITRATE, MIN_BITRATE } from "./limits.ts";
import type { Picture, VideoLayout } from "./picture.ts";

export type AccessUnit = {
  /** H.264 Annex B, the receiver's own. A key frame starts with SPS and PPS. */
  readonly payload: Buffer;
  readonly isKeyFrame: boolean;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Bytes that it was allowed to take. */
  readonly budget: number;
};

export type EncodeOptions = {
  /** Make an IDR. The first picture, and the first of a new size, is one anyway. */
  readonly isKeyFrame: boolean;
  /** The picture was encoded before: it sharpens, in frames as large as may be. */
  readonly isAtRest: boolean;
  /** Milliseconds, monotonic. */
  readonly time: number;
};

/** An encoder without retargeting is reopened, which costs a key frame, only for changes over this factor. */
const REOPEN_FACTOR = 1.3;

/**
 * A session's video: encodes pictures of any size, one after the other, with the best backend that works. A new size
 * reopens the encoder, which starts over with a key frame. When a backend fails, the next takes over for good.
 */
export class VideoEncoder {
  readonly #backends: EncoderBackend[];
  readonly #pace = new FramePace();
  #bitrate = DEFAULT_BITRATE;
  #context: EncoderContext | undefined;
  /** The budget that the open encoder has. */
  #told = { bitrate: 0, frameBits: 0 };
  #isEncoding = false;
  #closed = false;
  /** What every picture must be: backends other than the first take it, too. */
  readonly layout: VideoLayout;

  /** @param backends those that a probe found to work, best first */
  constructor(backends: readonly EncoderBackend[]) {
    const first = backends[0];
    if (first === undefined) throw new EncodeError("No H.264 encoder works on this machine.");
    this.#backends = [...backends];
    this.layout = first.layout;
  }

  /** The encoder in use, as people call it. */
  get title(): string {
    return this.#backends[0]!.title;
  }

  /** Bits a second. */
  get bitrate(): number {
    return this.#bitrate;
  }

  /** From the next picture on. Bits a second; brought inside MIN_BITRATE and MAX_BITRATE. */
  retarget(bitrate: number): void {
    this.#bitrate = Math.min(MAX_BITRATE, Math.max(MIN_BITRATE, Math.round(bitrate)));
  }

  /** Encodes one picture, off the event loop. The picture stays the caller's, who leaves it alone meanwhile. */
  async encode(picture: Picture, options: EncodeOptions): Promise<AccessUnit> {
    if (this.#closed || this.#isEncoding) {
      throw new EncodeError(`The video encoder is ${this.#closed ? "closed" : "busy"}.`);
    }
    const { width, height } = picture;
    const level = h264Level(width, height, NOMINAL_FRAME_RATE, this.#bitrate);
    this.#isEncoding = true;
    try {
      if (!options.isAtRest) this.#pace.note(options.time);
      for (;;) {
        try {
          const isNew = await this.#adapt(picture, level, options.isAtRest);
          const encoded = await this.#context!.encode(picture, options.isKeyFrame || isNew);
          return { ...encoded, width, height, budget: this.#told.frameBits / 8 };
        } catch (error) {
          this.#context?.close();
          this.#context = undefined;
          if (!(error instanceof EncodeError) || this.#backends.length === 1) throw error;
          this.#backends.shift();
        }
      }
    } finally {
      this.#isEncoding = false;
      if (this.#closed) this.#context?.close();
    }
  }

  /** Harmless when repeated. An encode under way finishes first. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#isEncoding) this.#context?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Makes the open encoder fit the picture's size and the present budget. True when it is a new one. */
  async #adapt({ width, height }: Picture, level: number, isAtRest: boolean): Promise<boolean> {
    const canRise = isAtRest && this.#backends[0]!.retargets;
    const frameRate = canRise ? SLOWEST_FRAME_RATE : this.#pace.frameRate;
    const budget = frameBudget(this.#bitrate, frameRate);
    const context = this.#context;
    if (context?.settings.width === width && context.settings.height === height) {
      const factor = budget.bitrate / this.#told.bitrate;
      if (factor === 1) return false;
      if (context.backend.retargets) {
        context.retarget(budget.bitrate, budget.frameBits);
        this.#told = budget;
        return false;
      }
      if (factor < REOPEN_FACTOR && factor > 1 / REOPEN_FACTOR) return false;
    }
    context?.close();
    this.#context = undefined;
    this.#context = await EncoderContext.open(this.#backends[0]!, {
      width,
      height,
      layout: this.layout,
      level,
      frameRate: NOMINAL_FRAME_RATE,
      ...budget,
    });
    this.#told = budget;
    return true;
  }
}
