/** How the bytes of a readback lie: see Picture in the encode stage. */
export type ReadbackLayout = "rgba" | "bgra" | "i420" | "nv12";

/** The size of a picture as video: both sides even, the last column and row doubled where they were odd. */
export type VideoSize = { readonly width: number; readonly height: number };

/** A captured picture in mapped memory. Whoever gets it releases it, and soon: the ring has few of them. */
export type Readback = VideoSize & {
  readonly layout: ReadbackLayout;
  /** Bytes from one row of the first plane to the next. */
  readonly pitch: number;
  /** The planes, one after the other. Gone with release() and with the device. */
  readonly bytes: Uint8Array;
  /** When the GPU's work was done: microseconds of CLOCK_MONOTONIC. */
  readonly time: number;
  /** Harmless when repeated. */
  release(): void;
};

export function videoSize(width: number, height: number): VideoSize {
  return { width: width + (width & 1), height: height + (height & 1) };
}

/** Bytes of a row: WebGPU wants a multiple of 256 for copies, FFmpeg of 128 for planes whose chroma is half as wide. */
export function readbackPitch(layout: ReadbackLayout, { width }: VideoSize): number {
  return layout === "rgba" || layout === "bgra"
    ? Math.ceil((width * 4) / 256) * 256
    : Math.ceil(width / 128) * 128;
}

export function readbackBytes(layout: ReadbackLayout, size: VideoSize): number {
  const plane = readbackPitch(layout, size) * size.height;
  return layout === "rgba" || layout === "bgra" ? plane : plane * 1.5;
}

/** Microseconds of CLOCK_MONOTONIC. */
export function monotonicMicroseconds(): number {
  return Number(process.hrtime.bigint()) / 1000;
}
