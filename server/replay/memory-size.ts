import { memoryBlock } from "#shared/texels/texel-block.ts";
import type { GPUTextureFormat } from "#shared/wire/gen/enums.ts";

// What objects take of the GPU's memory, from their descriptors: Dawn does not tell.

/** Under this size, Dawn's allocator cuts from larger pieces, in powers of two; above, each has memory of its own. */
const DEDICATED_BYTES = 4 * 1024 * 1024;
/** Drivers hand out no less: a flood of one-byte buffers is charged for what it takes. */
const SMALLEST_BYTES = 256;
/** Memory of its own comes in pages. */
const PAGE_BYTES = 4096;
/** Drivers begin each row of blocks at a multiple of this. */
const ROW_ALIGNMENT = 64;
/** Timestamps and counts of samples. */
const QUERY_BYTES = 8;

export function bufferBytes(size: number): number {
  return allocatedBytes(size);
}

type TextureShape = {
  readonly size: {
    readonly width: number;
    readonly height?: number;
    readonly depthOrArrayLayers?: number;
  };
  readonly format: GPUTextureFormat;
  readonly dimension?: GPUTextureDimension;
  readonly mipLevelCount?: number;
  readonly sampleCount?: number;
};

export function textureBytes(shape: TextureShape): number {
  const { size, format, dimension = "2d", mipLevelCount = 1, sampleCount = 1 } = shape;
  const { width, height = 1, depthOrArrayLayers = 1 } = size;
  const block = memoryBlock(format);
  let bytes = 0;
  for (let level = 0; level < Math.min(mipLevelCount, MAX_LEVELS); level++) {
    const rowBytes = Math.ceil(mip(width, level) / block.width) * block.bytes;
    const rows = Math.ceil(mip(height, level) / block.height);
    const depth = dimension === "3d" ? mip(depthOrArrayLayers, level) : depthOrArrayLayers;
    bytes += roundUp(rowBytes, ROW_ALIGNMENT) * rows * depth;
  }
  return allocatedBytes(bytes * sampleCount);
}

/** A side is below 2^32, so further levels are an error for Dawn to report. */
const MAX_LEVELS = 32;

export function querySetBytes(count: number): number {
  return allocatedBytes(count * QUERY_BYTES);
}

function mip(side: number, level: number): number {
  return Math.max(1, Math.floor(side / 2 ** level));
}

function allocatedBytes(size: number): number {
  if (size <= SMALLEST_BYTES) return SMALLEST_BYTES;
  if (size < DEDICATED_BYTES) return 2 ** Math.ceil(Math.log2(size));
  return roundUp(size, PAGE_BYTES);
}

function roundUp(size: number, unit: number): number {
  return Math.ceil(size / unit) * unit;
}
