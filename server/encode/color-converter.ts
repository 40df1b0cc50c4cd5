import { SoftwareScaleContext } from "node-av/lib";
import { EncodeError } from "./errors.ts";
import type { Picture } from "./picture.ts";

/**
 * Converts rgba and bgra pictures to i420 or nv12 by FFmpeg's swscale: full-range sRGB to limited range. swscale
 * reads matrix, range and chroma siting from the pictures. Off the event loop; one conversion at a time.
 */
export class ColorConverter {
  readonly #context = new SoftwareScaleContext();
  #isConverting = false;
  #closed = false;

  constructor() {
    this.#context.allocContext();
    this.#set("sws_flags", "bilinear");
    this.#set("threads", "1");
  }

  /** Overwrites `to`, which is as large as `from`. Both stay the caller's, who leaves them alone meanwhile. */
  async convert(from: Picture, to: Picture): Promise<void> {
    if (this.#closed || this.#isConverting) {
      throw new EncodeError(`The colour converter is ${this.#closed ? "closed" : "busy"}.`);
    }
    this.#isConverting = true;
    try {
      const code = await this.#context.scaleFrame(to.frame, from.frame);
      if (code < 0) {
        throw new EncodeError(
          `swscale converts no ${from.layout} picture of ${from.width} by ${from.height} pixels to ${to.layout} (code ${code}).`,
        );
      }
    } finally {
      this.#isConverting = false;
      if (this.#closed) this.#context.freeContext();
    }
  }

  /** A conversion under way finishes first. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#isConverting) this.#context.freeContext();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #set(name: string, value: string): void {
    const code = this.#context.setOption(name, value);
    if (code < 0) throw new EncodeError(`swscale has no option ${name}=${value} (code ${code}).`);
  }
}
