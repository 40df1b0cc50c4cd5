import {
  AVCHROMA_LOC_LEFT,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_RGB,
  AVCOL_TRC_IEC61966_2_1,
  AV_PIX_FMT_BGR0,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_RGB0,
  AV_PIX_FMT_YUV420P,
  type AVPixelFormat,
} from "node-av/constants";
import { Frame } from "node-av/lib";
import { EncodeError } from "./errors.ts";

/**
 * How the bytes of a picture lie. The alpha of rgba and bgra is ignored: a canvas is shown on black, where an
 * opaque pixel and a premultiplied one both look like their colour.
 * i420: planes Y, U, V. nv12: planes Y and interleaved UV. Both limited range, chroma sited left.
 *
 * Their primaries are BT.709's, as sRGB's are, but their matrix is BT.601's: browsers without a GPU convert by libyuv, whose
 * coefficients have 6 bits of fraction in 8, so that BT.709's largest for blue (2.112) is cut to 2 and blue is off by 12 of 255.
 */
export type PixelLayout = "rgba" | "bgra" | "i420" | "nv12";

/** What an encoder takes. */
export type VideoLayout = "i420" | "nv12";

const FORMAT: Readonly<Record<PixelLayout, AVPixelFormat>> = {
  rgba: AV_PIX_FMT_RGB0,
  bgra: AV_PIX_FMT_BGR0,
  i420: AV_PIX_FMT_YUV420P,
  nv12: AV_PIX_FMT_NV12,
};

/** Bytes that a row of FFmpeg's pictures is aligned to, for the widest vector instructions. */
const ROW_ALIGNMENT = 64;

/** A picture in FFmpeg's memory. Whoever allocates it closes it. */
export class Picture {
  readonly layout: PixelLayout;
  /** Pixels; both even. */
  readonly width: number;
  readonly height: number;
  /** Writable by encoders and converters, which hold no reference after their call. */
  readonly frame: Frame;
  /** Views of FFmpeg's memory, one a plane: gone with close(). */
  readonly #planes: readonly Buffer[];
  #closed = false;

  /**
   * @param pitch bytes from one row of the first plane to the next: a multiple of 256 for rgba and bgra, of 128
   *   for i420 and nv12 (whose chroma rows of U and V have half of it)
   */
  constructor(layout: PixelLayout, width: number, height: number, pitch: number) {
    if (width % 2 !== 0 || height % 2 !== 0 || pitch % (2 * ROW_ALIGNMENT) !== 0) {
      throw new EncodeError(
        `A picture of ${width} by ${height} pixels with rows of ${pitch} bytes is not aligned.`,
      );
    }
    const isRgb = layout === "rgba" || layout === "bgra";
    this.layout = layout;
    this.width = width;
    this.height = height;
    this.frame = new Frame();
    this.frame.alloc();
    this.frame.format = FORMAT[layout];
    this.frame.height = height;
    // Allocated as wide as a row is long, so that a picture's bytes are copied whole.
    this.frame.width = isRgb ? pitch / 4 : pitch;
    const code = this.frame.getBuffer(0);
    const planes = this.frame.data;
    if (code < 0 || planes === null || this.frame.linesize[0] !== pitch) {
      this.frame.free();
      throw new EncodeError(
        `FFmpeg allocates no ${layout} picture of ${width} by ${height} pixels with rows of ${pitch} bytes (code ${code}).`,
      );
    }
    this.frame.width = width;
    this.frame.colorPrimaries = AVCOL_PRI_BT709;
    this.frame.colorTrc = AVCOL_TRC_IEC61966_2_1;
    this.frame.colorSpace = isRgb ? AVCOL_SPC_RGB : AVCOL_SPC_SMPTE170M;
    this.frame.colorRange = isRgb ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    if (!isRgb) this.frame.chromaLocation = AVCHROMA_LOC_LEFT;
    const counts = isRgb ? [1] : layout === "nv12" ? [1, 0.5] : [1, 0.25, 0.25];
    this.#planes = counts.map((part, plane) => planes[plane]!.subarray(0, pitch * height * part));
  }

  /** Bytes of all planes, one after the other. */
  get byteLength(): number {
    return this.#planes.reduce((sum, plane) => sum + plane.length, 0);
  }

  /** Whether the picture is exactly these bytes (its planes one after the other). */
  equals(bytes: Uint8Array): boolean {
    let at = 0;
    return this.#planes.every((plane) => plane.compare(bytes, at, (at += plane.length)) === 0);
  }

  /** Copies the planes from `bytes`, where they lie one after the other. */
  write(bytes: Uint8Array): void {
    if (bytes.length !== this.byteLength) {
      throw new EncodeError(
        `A picture's bytes (${bytes.length}) are not as many as its planes take (${this.byteLength}).`,
      );
    }
    let at = 0;
    for (const plane of this.#planes) plane.set(bytes.subarray(at, (at += plane.length)));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.frame.free();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
