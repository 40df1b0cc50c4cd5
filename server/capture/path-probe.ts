import { CAPTURE_USAGE, Capture, type CapturePath } from "./capture.ts";
import type { Readback } from "./readback.ts";

export type PathProbe = {
  /** The cheaper one. */
  readonly path: CapturePath;
  /** Milliseconds from a submit to the picture as video in memory, for each path. */
  readonly milliseconds: Readonly<Record<CapturePath, number>>;
};

const WIDTH = 1280;
const HEIGHT = 720;
const FRAMES = 3;

/** A path is given up when one frame takes this many times what the other path takes. */
const HOPELESS = 2;

/**
 * Measures which path brings a 720p canvas to the encoder sooner on this device: a GPU converts colours for next to
 * nothing, a software one takes 15 times as long as swscale. The caller owns the device, and it does nothing else.
 *
 * @param accept makes video of a readback as the stages behind capture do; the probe releases it
 */
export async function probeCapturePath(
  device: GPUDevice,
  videoLayout: "i420" | "nv12",
  accept: (readback: Readback) => Promise<void>,
): Promise<PathProbe> {
  const texture = device.createTexture({
    size: [WIDTH, HEIGHT],
    format: "bgra8unorm",
    usage: CAPTURE_USAGE,
  });
  const measure = async (path: CapturePath, other = Infinity): Promise<number> => {
    using capture = new Capture(device, path, videoLayout);
    let best = Infinity;
    // The first frame pays for buffers and the shader, and may not count.
    for (let frame = 0; frame <= FRAMES; frame++) {
      const start = performance.now();
      const readback = await capture.capture({
        texture,
        width: WIDTH,
        height: HEIGHT,
        format: "bgra8unorm",
        colorSpace: "srgb",
      });
      if (readback === undefined) return Infinity;
      await accept(readback);
      readback.release();
      if (frame > 0) best = Math.min(best, performance.now() - start);
      if (frame > 0 && best > HOPELESS * other) break;
    }
    return best;
  };
  const swscale = await measure("swscale");
  const milliseconds = { swscale, gpu: await measure("gpu", swscale) };
  texture.destroy();
  return { path: milliseconds.gpu < milliseconds.swscale ? "gpu" : "swscale", milliseconds };
}
