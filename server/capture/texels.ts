import { OwnErrors } from "./own-errors.ts";
import { BufferUsage, MAP_READ } from "./usage.ts";

/** A canvas texture of one sample that can be copied from. */
export type TexelSource = {
  readonly device: GPUDevice;
  readonly texture: GPUTexture;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly format: GPUTextureFormat;
};

/** WebGPU's alignment of the rows of a copy. */
const ROW_ALIGNMENT = 256;

export function bytesPerTexel(format: GPUTextureFormat): number {
  return format === "rgba16float" ? 8 : 4;
}

/**
 * The texels exactly as the program left them, rows from the top without padding: for recordings, whose hashes may not depend on
 * how video is made. Submits what reads the texture before it returns; resolves with undefined where it is invalid, or its
 * device lost. Never rejects.
 */
export async function readTexels(source: TexelSource): Promise<Uint8Array | undefined> {
  const { device, texture, width, height, format } = source;
  const row = width * bytesPerTexel(format);
  const pitch = Math.ceil(row / ROW_ALIGNMENT) * ROW_ALIGNMENT;
  const errors = new OwnErrors(device);
  let buffer: GPUBuffer;
  let mapping: Promise<unknown>;
  try {
    buffer = device.createBuffer({
      label: "Heliograph texels",
      size: pitch * height,
      usage: BufferUsage.mapRead | BufferUsage.copyDst,
    });
    const encoder = device.createCommandEncoder({ label: "Heliograph texels" });
    encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: pitch }, [width, height]);
    device.queue.submit([encoder.finish()]);
    mapping = buffer.mapAsync(MAP_READ);
  } finally {
    errors.pop();
  }
  const isMapped = await mapping.then(
    () => true,
    () => false,
  );
  const isClean = isMapped && !(await errors.any());
  if (!isClean || buffer.mapState !== "mapped") {
    buffer.destroy();
    return undefined;
  }
  const padded = new Uint8Array(buffer.getMappedRange());
  const texels = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) texels.set(padded.subarray(y * pitch, y * pitch + row), y * row);
  buffer.destroy();
  return texels;
}
