import { copyBlock } from "#shared/texels/texel-block.ts";
import type { GPUExtent3DDict, GPUTexelCopyBufferLayout } from "#shared/wire/gen/dictionaries.ts";

type Texels = { readonly bytes: Uint8Array; readonly layout: GPUTexelCopyBufferLayout };

/**
 * Leaves out what a texture write does not read of its data. Where the data is too short, or the
 * layout wrong, everything travels as it is, and the worker says so.
 */
export function trimTexels(
  format: GPUTextureFormat,
  bytes: Uint8Array,
  layout: GPUTexelCopyBufferLayout,
  { width, height = 1, depthOrArrayLayers = 1 }: GPUExtent3DDict,
): Texels {
  const whole = { bytes, layout };
  const block = copyBlock(format);
  if (block === undefined || width === 0 || height === 0 || depthOrArrayLayers === 0) return whole;
  const rows = Math.ceil(height / block.height);
  const rowBytes = Math.ceil(width / block.width) * block.bytes;
  const { offset = 0, bytesPerRow = rowBytes, rowsPerImage = rows } = layout;
  if (bytesPerRow < rowBytes || rowsPerImage < rows) return whole;
  const needed = bytesPerRow * (rowsPerImage * (depthOrArrayLayers - 1) + (rows - 1)) + rowBytes;
  if (offset + needed > bytes.length) return whole;
  return { bytes: bytes.subarray(offset, offset + needed), layout: { ...layout, offset: 0 } };
}
