import { Encoder, Muxer } from "node-av/api";
import { AV_LOG_ERROR, FF_ENCODER_LIBX264 } from "node-av/constants";
import { type Frame, Log, Rational } from "node-av/lib";
import { ColorConverter } from "#server/encode/color-converter.ts";
import { Picture } from "#server/encode/picture.ts";
import type { OutputAllowance } from "./output-allowance.ts";
import { OutputFile } from "./output-file.ts";
import { toRgba } from "./pixels.ts";
import type { PlayedPicture } from "./player.ts";
import { PlayerError } from "./player-error.ts";

/** Pictures are shown when they were presented, in milliseconds. */
const TICKS_PER_SECOND = 1000;

/** Nearly as good as the pictures themselves. */
const QUALITY = 18;

type Opened = {
  readonly file: OutputFile;
  readonly encoder: Encoder;
  readonly muxer: Muxer;
  /** Of the muxer. */
  readonly stream: number;
  readonly video: Picture;
};

/** Writes one surface's pictures as H.264 to an MP4 file: that of the first picture, and in its size. */
export class VideoFile implements AsyncDisposable {
  /** Pictures that it holds. */
  count = 0;
  readonly #path: string;
  readonly #allowance: OutputAllowance;
  readonly #converter = new ColorConverter();
  #open: Opened | undefined;
  #surface: number | undefined;
  #lastTick = -1;
  #isFinished = false;

  constructor(path: string, allowance: OutputAllowance) {
    this.#path = path;
    this.#allowance = allowance;
  }

  /** Throws PlayerError where the allowance is used up, or the disk does not take it. */
  async add(picture: PlayedPicture): Promise<void> {
    const { surface, width, height } = picture.hash;
    this.#surface ??= surface;
    if (surface !== this.#surface) return;
    using pixels = pictureOf(toRgba(picture), width, height);
    this.#open ??= await this.#begin(pixels.width, pixels.height);
    const { video } = this.#open;
    // It scales as well, where the surface has another size by now.
    await this.#converter.convert(pixels, video);
    // Times rise, also of pictures of one record.
    this.#lastTick = Math.max(this.#lastTick + 1, Math.round(picture.time / 1000));
    video.frame.pts = BigInt(this.#lastTick);
    await this.#encode(this.#open, video.frame);
    this.count++;
  }

  /**
   * Ends the file, where there is one, with the pictures that came. Throws PlayerError where the allowance is used up, or
   * the disk does not take it. Idempotent.
   */
  async finish(): Promise<void> {
    if (this.#isFinished || this.#open === undefined) return;
    this.#isFinished = true;
    const { encoder, file, muxer, video } = this.#open;
    try {
      await this.#encode(this.#open, null);
    } finally {
      await muxer.close(); // Which writes the index.
      encoder.close();
      video.close();
      await file.close();
    }
    file.check();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#converter.close();
    try {
      await this.finish();
    } catch (error) {
      if (!(error instanceof PlayerError)) throw error; // What ended the playback is told already.
    }
  }

  async #encode({ encoder, file, muxer, stream }: Opened, frame: Frame | null): Promise<void> {
    for await (const packet of encoder.packets(frame)) {
      try {
        if (packet !== null) this.#allowance.takePacket(packet.size);
        await muxer.writePacket(packet, stream);
      } finally {
        packet?.free();
      }
    }
    file.check();
  }

  async #begin(width: number, height: number): Promise<Opened> {
    Log.setLevel(AV_LOG_ERROR);
    const file = await OutputFile.open(this.#path);
    const encoder = await Encoder.create(FF_ENCODER_LIBX264, {
      options: { crf: QUALITY },
    });
    const muxer = await Muxer.open(file.callbacks, { format: "mp4" });
    const stream = muxer.addStream(encoder);
    const video = new Picture("i420", width, height, Math.ceil(width / 128) * 128);
    video.frame.timeBase = new Rational(1, TICKS_PER_SECOND);
    return { encoder, file, muxer, stream, video };
  }
}

/** Both sides even: the last column and row are doubled where they are odd. */
function pictureOf(rgba: Uint8ClampedArray, width: number, height: number): Picture {
  const even = { width: width + (width & 1), height: height + (height & 1) };
  const pitch = Math.ceil((even.width * 4) / 256) * 256;
  const bytes = new Uint8Array(pitch * even.height);
  for (let y = 0; y < even.height; y++) {
    const from = Math.min(y, height - 1) * width * 4;
    const to = y * pitch;
    bytes.set(rgba.subarray(from, from + width * 4), to);
    if (even.width > width) {
      bytes.copyWithin(to + width * 4, to + (width - 1) * 4, to + width * 4);
    }
  }
  const picture = new Picture("rgba", even.width, even.height, pitch);
  picture.write(bytes);
  return picture;
}
