import { AV_HWDEVICE_TYPE_VAAPI, AV_PIX_FMT_NV12, AV_PIX_FMT_VAAPI } from "node-av/constants";
import { FFmpegError, Frame, HardwareDeviceContext, HardwareFramesContext } from "node-av/lib";
import { EncodeError } from "./errors.ts";

/** A pool of frames in a VA-API device's memory: its encoder reads from nowhere else. */
export class VaapiFrames {
  readonly context = new HardwareFramesContext();
  readonly #device = new HardwareDeviceContext();
  #closed = false;

  /** Opens FFmpeg's default render node. Throws an EncodeError where there is none. */
  constructor(width: number, height: number) {
    check(this.#device.create(AV_HWDEVICE_TYPE_VAAPI), "No VA-API device opens");
    try {
      this.context.alloc(this.#device);
      this.context.format = AV_PIX_FMT_VAAPI;
      this.context.swFormat = AV_PIX_FMT_NV12;
      this.context.width = width;
      this.context.height = height;
      this.context.initialPoolSize = 4;
      check(this.context.init(), `VA-API allocates no frames of ${width} by ${height} pixels`);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Copies a picture to the device. The caller frees the frame. */
  async upload(picture: Frame): Promise<Frame> {
    const frame = new Frame();
    frame.alloc();
    try {
      check(this.context.getBuffer(frame), "VA-API has no free frame");
      check(await picture.hwframeTransferData(frame), "VA-API takes no picture");
      return frame;
    } catch (error) {
      frame.free();
      throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.context.free();
    this.#device.free();
  }
}

function check(code: number, failure: string): void {
  if (code < 0) throw new EncodeError(`${failure}: ${FFmpegError.strerror(code)}.`);
}
