import type { PredefinedColorSpace } from "#shared/wire/gen/enums.ts";
import { OwnErrors } from "./own-errors.ts";
import { ReadbackRing } from "./readback-ring.ts";
import {
  type Readback,
  type ReadbackLayout,
  type VideoSize,
  monotonicMicroseconds,
  readbackBytes,
  readbackPitch,
  videoSize,
} from "./readback.ts";
import { MAP_READ, TextureUsage } from "./usage.ts";
import { YuvConverter } from "./yuv-converter.ts";

/** Where colours become video: on the GPU, or behind it by swscale. */
export type CapturePath = "gpu" | "swscale";

/** A canvas texture of one sample, with the usage CAPTURE_USAGE. */
export type CaptureSource = {
  readonly texture: GPUTexture;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly format: GPUTextureFormat;
  readonly colorSpace: PredefinedColorSpace;
};

/** COPY_SRC and TEXTURE_BINDING: what a texture needs so that either path can read it. */
export const CAPTURE_USAGE = TextureUsage.copySrc | TextureUsage.textureBinding;

/**
 * Reads the canvas textures of one device back as pictures. The device is a guest's: whatever goes wrong in here stays
 * in error scopes of its own, and nothing waits for the GPU on the calling thread.
 */
export class Capture {
  readonly #device: GPUDevice;
  readonly #path: CapturePath;
  readonly #videoLayout: "i420" | "nv12";
  readonly #ring: ReadbackRing;
  readonly #converter: YuvConverter;
  #closed = false;

  /** @param videoLayout what the GPU path makes of a picture */
  constructor(device: GPUDevice, path: CapturePath, videoLayout: "i420" | "nv12") {
    this.#device = device;
    this.#path = path;
    this.#videoLayout = videoLayout;
    this.#ring = new ReadbackRing(device);
    this.#converter = new YuvConverter(device, videoLayout);
  }

  /** Whether capture() would find a buffer. */
  get hasFree(): boolean {
    return !this.#closed && this.#ring.hasFree;
  }

  /**
   * Submits what reads the texture before it returns: the texture may then be destroyed. Resolves when the GPU has done
   * that and all before it, with undefined when it failed (the device is lost, the texture invalid, memory is out) or
   * when no buffer is free. Never rejects. The caller releases the readback.
   */
  async capture(source: CaptureSource): Promise<Readback | undefined> {
    const size = videoSize(source.width, source.height);
    const layout = this.#layoutFor(source);
    const pitch = readbackPitch(layout, size);
    const errors = new OwnErrors(this.#device);
    let buffer: GPUBuffer | undefined;
    let mapping: Promise<unknown> | undefined;
    try {
      buffer = this.#closed ? undefined : this.#ring.take(readbackBytes(layout, size));
      if (buffer !== undefined) {
        this.#submit(source, layout, size, pitch, buffer);
        mapping = buffer.mapAsync(MAP_READ);
      }
    } finally {
      errors.pop();
    }
    if (buffer === undefined) return undefined;
    const isMapped = await Promise.resolve(mapping).then(
      () => true,
      () => false,
    );
    const time = monotonicMicroseconds();
    const isClean = isMapped && !(await errors.any());
    if (!isClean || buffer.mapState !== "mapped") {
      // The device may have gone since.
      this.#ring.giveBack(buffer, false);
      return undefined;
    }
    const taken = buffer;
    return {
      ...size,
      layout,
      pitch,
      bytes: new Uint8Array(taken.getMappedRange()),
      time,
      release: () => this.#ring.giveBack(taken, true),
    };
  }

  /** Readbacks that are out go when they are released. Harmless when repeated, and on a lost device. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ring.close();
    this.#converter.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #layoutFor({ format, colorSpace }: CaptureSource): ReadbackLayout {
    // swscale would do for half floats and other colour spaces as well, at twice the bytes and a conversion more.
    if (this.#path === "gpu" || colorSpace !== "srgb") return this.#videoLayout;
    if (format === "rgba8unorm") return "rgba";
    return format === "bgra8unorm" ? "bgra" : this.#videoLayout;
  }

  #submit(
    source: CaptureSource,
    layout: ReadbackLayout,
    size: VideoSize,
    pitch: number,
    buffer: GPUBuffer,
  ): void {
    const encoder = this.#device.createCommandEncoder({ label: "Heliograph capture" });
    if (layout === "rgba" || layout === "bgra") {
      copyPixels(encoder, source, size, pitch, buffer);
    } else {
      this.#converter.convert(encoder, source, size, pitch, buffer);
    }
    this.#device.queue.submit([encoder.finish()]);
  }
}

/** Copies the texture row by row; a side that is odd gets its last column or row twice. */
function copyPixels(
  encoder: GPUCommandEncoder,
  { texture, width, height }: CaptureSource,
  size: VideoSize,
  pitch: number,
  buffer: GPUBuffer,
): void {
  const copy = (x: number, y: number, toX: number, toY: number, columns: number, rows: number) =>
    encoder.copyTextureToBuffer(
      { texture, origin: [x, y] },
      { buffer, offset: toY * pitch + toX * 4, bytesPerRow: pitch },
      [columns, rows],
    );
  copy(0, 0, 0, 0, width, height);
  if (size.width > width) copy(width - 1, 0, width, 0, 1, height);
  if (size.height > height) copy(0, height - 1, 0, height, width, 1);
  if (size.width > width && size.height > height) copy(width - 1, height - 1, width, height, 1, 1);
}
