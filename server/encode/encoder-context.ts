import {
  AVCHROMA_LOC_LEFT,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_IEC61966_2_1,
  AVERROR_EAGAIN,
  AV_LOG_ERROR,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_NV12,
  AV_PIX_FMT_VAAPI,
  AV_PIX_FMT_YUV420P,
} from "node-av/constants";
import { Codec, CodecContext, FFmpegError, type Frame, Log, Packet, Rational } from "node-av/lib";
import type { EncoderBackend } from "./backends.ts";
import { EncodeError } from "./errors.ts";
import type { Picture, VideoLayout } from "./picture.ts";
import { VaapiFrames } from "./vaapi-frames.ts";

export type EncoderSettings = {
  /** Pixels; both even. */
  readonly width: number;
  readonly height: number;
  readonly layout: VideoLayout;
  /** level_idc: see h264-level.ts. */
  readonly level: number;
  /** Frames a second that the rate control counts on. */
  readonly frameRate: number;
  /** Bits a second at that rate. */
  readonly bitrate: number;
  /** Bits that one frame may take at most (the VBV's size). */
  readonly frameBits: number;
};

export type EncodedFrame = { readonly payload: Buffer; readonly isKeyFrame: boolean };

/**
 * One FFmpeg encoder, open for one size of picture: constrained baseline, no B-frames, one picture in, one access unit
 * out, SPS and PPS in front of each IDR, IDR on demand only. Encodes off the event loop, one picture at a time.
 */
export class EncoderContext {
  readonly backend: EncoderBackend;
  readonly settings: EncoderSettings;
  readonly #context: CodecContext;
  readonly #packet: Packet;
  readonly #vaapi: VaapiFrames | undefined;
  #count = 0n;
  #isEncoding = false;
  #closed = false;

  private constructor(
    backend: EncoderBackend,
    settings: EncoderSettings,
    context: CodecContext,
    vaapi: VaapiFrames | undefined,
  ) {
    this.backend = backend;
    this.settings = settings;
    this.#context = context;
    this.#vaapi = vaapi;
    this.#packet = new Packet();
    this.#packet.alloc();
  }

  /** Throws an EncodeError that says why the encoder does not open. The caller closes what it gets. */
  static async open(backend: EncoderBackend, settings: EncoderSettings): Promise<EncoderContext> {
    const { width, height, frameRate, level } = settings;
    const codec = Codec.findEncoderByName(backend.name);
    Log.setLevel(AV_LOG_ERROR);
    if (codec === null) throw new EncodeError(`This FFmpeg has no encoder ${backend.name}.`);
    const context = new CodecContext();
    let vaapi: VaapiFrames | undefined;
    try {
      context.allocContext3(codec);
      context.width = width;
      context.height = height;
      context.timeBase = new Rational(1, frameRate);
      context.framerate = new Rational(frameRate, 1);
      context.maxBFrames = 0;
      context.gopSize = -1; // An IDR comes when it is asked for.
      context.colorPrimaries = AVCOL_PRI_BT709;
      context.colorTrc = AVCOL_TRC_IEC61966_2_1;
      context.colorSpace = AVCOL_SPC_SMPTE170M;
      context.colorRange = AVCOL_RANGE_MPEG;
      context.chromaLocation = AVCHROMA_LOC_LEFT;
      setRate(context, settings);
      if (backend.needsVaapiFrames) {
        vaapi = new VaapiFrames(width, height);
        context.pixelFormat = AV_PIX_FMT_VAAPI;
        context.hwFramesCtx = vaapi.context;
        context.gopSize = MAX_VAAPI_GOP;
      } else {
        context.pixelFormat = settings.layout === "nv12" ? AV_PIX_FMT_NV12 : AV_PIX_FMT_YUV420P;
      }
      // One by one: a Dictionary given to open2 is freed twice.
      for (const [name, value] of Object.entries({
        ...backend.options,
        level: `${Math.floor(level / 10)}.${level % 10}`,
      })) {
        check(
          context.setOption(name, value),
          `${backend.name} refuses the option ${name}=${value}`,
        );
      }
      check(
        await context.open2(codec, null),
        `${backend.name} does not open for ${width} by ${height} pixels`,
      );
      return new EncoderContext(backend, settings, context, vaapi);
    } catch (error) {
      context.freeContext();
      vaapi?.close();
      throw error;
    }
  }

  /** Bits a second at the settings' frame rate, and bits of one frame at most. Only where the backend retargets. */
  retarget(bitrate: number, frameBits: number): void {
    setRate(this.#context, { bitrate, frameBits });
  }

  /** The picture stays the caller's, who leaves it alone meanwhile. The payload is the caller's. */
  async encode(picture: Picture, keyFrame: boolean): Promise<EncodedFrame> {
    if (this.#closed || this.#isEncoding) {
      throw new EncodeError(`The encoder is ${this.#closed ? "closed" : "busy"}.`);
    }
    const { width, height, layout } = this.settings;
    if (picture.width !== width || picture.height !== height || picture.layout !== layout) {
      throw new EncodeError(
        `A picture of ${picture.width} by ${picture.height} pixels (${picture.layout}) is not of the encoder's ${width} by ${height} (${layout}).`,
      );
    }
    this.#isEncoding = true;
    try {
      if (this.#vaapi === undefined) return await this.#encode(picture.frame, keyFrame);
      using frame = await this.#vaapi.upload(picture.frame);
      return await this.#encode(frame, keyFrame);
    } finally {
      this.#isEncoding = false;
      if (this.#closed) this.#free();
    }
  }

  /** An encode under way finishes first. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#isEncoding) this.#free();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #encode(frame: Frame, keyFrame: boolean): Promise<EncodedFrame> {
    frame.pts = this.#count++;
    frame.pictType = keyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    // The work is done inside sendFrame, on a thread of the pool; receiving only hands over the packet.
    check(await this.#context.sendFrame(frame), `${this.backend.name} takes no picture`);
    const code = this.#context.receivePacketSync(this.#packet);
    if (code === AVERROR_EAGAIN) {
      throw new EncodeError(`${this.backend.name} holds pictures back instead of encoding them.`);
    }
    check(code, `${this.backend.name} gives no access unit`);
    const { data } = this.#packet;
    if (data === null) throw new EncodeError(`${this.backend.name} gives an empty access unit.`);
    const payload = Buffer.from(data);
    const isKeyFrame = this.#packet.isKeyframe;
    this.#packet.unref();
    return { payload, isKeyFrame };
  }

  #free(): void {
    this.#context.freeContext();
    this.#packet.free();
    this.#vaapi?.close();
  }
}

/** VA-API has no endless group of pictures. Two hours of 60 frames a second. */
const MAX_VAAPI_GOP = 432_000;

function setRate(
  context: CodecContext,
  { bitrate, frameBits }: { readonly bitrate: number; readonly frameBits: number },
): void {
  context.bitRate = BigInt(Math.round(bitrate));
  context.rcMaxRate = BigInt(Math.round(bitrate));
  context.rcBufferSize = Math.round(frameBits);
}

function check(code: number, failure: string): void {
  if (code < 0) throw new EncodeError(`${failure}: ${FFmpegError.strerror(code)}.`);
}
