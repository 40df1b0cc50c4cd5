import type { GPUTextureFormat } from "../wire/gen/enums.ts";

/** Texels are stored and copied in blocks: of one texel, but for compressed formats. */
export type TexelBlock = {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
};

type DepthStencilFormat = Extract<GPUTextureFormat, `depth${string}` | `stencil${string}`>;

/**
 * What a texel takes in memory. "depth24plus" is whatever the driver has, and both formats with a
 * stencil are 32 bits of depth and 8 of stencil in 8 bytes where they are largest.
 */
const DEPTH_STENCIL_BYTES: Readonly<Record<DepthStencilFormat, number>> = {
  stencil8: 1,
  depth16unorm: 2,
  depth24plus: 4,
  "depth24plus-stencil8": 8,
  depth32float: 4,
  "depth32float-stencil8": 8,
};

const PACKED: ReadonlySet<GPUTextureFormat> = new Set([
  "rgb9e5ufloat",
  "rgb10a2uint",
  "rgb10a2unorm",
  "rg11b10ufloat",
]);

/** The block in which texels are copied. Undefined for depth and stencil formats, where it depends on the aspect. */
export function copyBlock(format: GPUTextureFormat): TexelBlock | undefined {
  if (PACKED.has(format)) return { width: 1, height: 1, bytes: 4 };
  const plain = /^(rgba|bgra|rg|r)(8|16|32)/.exec(format);
  if (plain !== null) {
    const [, channels, bits] = plain;
    return { width: 1, height: 1, bytes: (channels!.length * Number(bits)) / 8 };
  }
  const astc = /^astc-(\d+)x(\d+)/.exec(format);
  if (astc !== null) return { width: Number(astc[1]), height: Number(astc[2]), bytes: 16 };
  if (/^(bc1|bc4|etc2-rgb8unorm|etc2-rgb8a1|eac-r11)/.test(format)) {
    return { width: 4, height: 4, bytes: 8 };
  }
  if (/^(bc|etc2|eac)/.test(format)) return { width: 4, height: 4, bytes: 16 };
  return undefined;
}

/** The block in which texels lie in the GPU's memory. */
export function memoryBlock(format: GPUTextureFormat): TexelBlock {
  return copyBlock(format) ?? { width: 1, height: 1, bytes: depthStencilBytes(format) };
}

function depthStencilBytes(format: GPUTextureFormat): number {
  if (!isDepthStencil(format)) throw new Error(`The texels of ${format} have no known size.`);
  return DEPTH_STENCIL_BYTES[format];
}

function isDepthStencil(format: GPUTextureFormat): format is DepthStencilFormat {
  return format in DEPTH_STENCIL_BYTES;
}
