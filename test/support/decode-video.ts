import {
  AVCOL_PRI_BT709,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_RGB,
  AVCOL_TRC_IEC61966_2_1,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AV_CODEC_ID_H264,
  AV_PIX_FMT_RGBA,
} from "node-av/constants";
import { Codec, CodecContext, FFmpegError, Frame, Packet, SoftwareScaleContext } from "node-av/lib";
import type { TestPicture } from "./test-pictures.ts";

export type DecodedPicture = TestPicture & { readonly isKeyFrame: boolean };

/**
 * Decodes access units (H.264, Annex B) by FFmpeg, and converts them to RGBA by the colours that the stream
 * itself signals. A stream that signals none is read as BT.601, as FFmpeg does. Throws on a stream that is broken.
 */
export function decodeVideo(accessUnits: Iterable<Uint8Array>): DecodedPicture[] {
  using decoder = new VideoDecoder();
  const pictures: DecodedPicture[] = [];
  for (const unit of accessUnits) pictures.push(...decoder.decode(unit));
  pictures.push(...decoder.flush());
  return pictures;
}

export class VideoDecoder {
  readonly #context = new CodecContext();
  readonly #frame = new Frame();
  readonly #packet = new Packet();

  constructor() {
    const codec = Codec.findDecoder(AV_CODEC_ID_H264);
    this.#context.allocContext3(codec);
    this.#context.threadCount = 1;
    this.#context.setOption("err_detect", "explode");
    check(this.#context.open2Sync(codec, null), "FFmpeg's H.264 decoder does not open");
    this.#frame.alloc();
  }

  decode(accessUnit: Uint8Array): DecodedPicture[] {
    this.#packet.alloc();
    this.#packet.data = Buffer.from(accessUnit);
    check(
      this.#context.sendPacketSync(this.#packet),
      `An access unit of ${accessUnit.length} bytes does not decode`,
    );
    this.#packet.free();
    return this.#receive();
  }

  flush(): DecodedPicture[] {
    check(this.#context.sendPacketSync(null), "The decoder does not flush");
    return this.#receive();
  }

  [Symbol.dispose](): void {
    this.#context.freeContext();
    this.#frame.free();
  }

  #receive(): DecodedPicture[] {
    const pictures: DecodedPicture[] = [];
    for (;;) {
      const code = this.#context.receiveFrameSync(this.#frame);
      if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return pictures;
      check(code, "A picture does not decode");
      pictures.push({
        ...pictureToRgba(this.#frame),
        isKeyFrame: this.#frame.keyFrame === 1,
      });
      this.#frame.unref();
    }
  }
}

/** Converts a picture in FFmpeg's memory to RGBA, by the colours that it is labelled with. */
export function pictureToRgba(frame: Frame): TestPicture {
  const { width, height } = frame;
  using target = new Frame();
  target.alloc();
  target.format = AV_PIX_FMT_RGBA;
  target.width = width;
  target.height = height;
  check(target.getBuffer(0), `FFmpeg allocates no picture of ${width} by ${height} pixels`);
  target.colorPrimaries = AVCOL_PRI_BT709;
  target.colorTrc = AVCOL_TRC_IEC61966_2_1;
  target.colorSpace = AVCOL_SPC_RGB;
  target.colorRange = AVCOL_RANGE_JPEG;
  using scaler = new SoftwareScaleContext();
  scaler.allocContext();
  scaler.setOption("sws_flags", "bilinear+accurate_rnd+full_chroma_int");
  check(scaler.scaleFrameSync(target, frame), "swscale makes no RGBA");
  const pitch = target.linesize[0]!;
  const source = target.data![0]!;
  const rgba = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    rgba.set(source.subarray(y * pitch, y * pitch + width * 4), y * width * 4);
  }
  return { width, height, rgba };
}

function check(code: number, failure: string): void {
  if (code < 0) throw new Error(`${failure}: ${FFmpegError.strerror(code)}.`);
}
