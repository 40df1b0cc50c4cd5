import type { DeviceRecord } from "./records.ts";

/** The feature without which a format may not be named, where it has one. */
function featureOfFormat(format: GPUTextureFormat): GPUFeatureName | undefined {
  if (format === "depth32float-stencil8") return "depth32float-stencil8";
  if (format.startsWith("bc")) return "texture-compression-bc";
  if (format.startsWith("e")) return "texture-compression-etc2"; // etc2 and eac
  if (format.startsWith("astc")) return "texture-compression-astc";
  if (/^(r|rg|rgba)16[us]norm$/.test(format)) return "texture-formats-tier1";
  return undefined;
}

/** The content timeline's check of https://www.w3.org/TR/webgpu/#abstract-opdef-validate-texture-format-required-features */
export function requireFormat(device: DeviceRecord, format: GPUTextureFormat): void {
  const feature = featureOfFormat(format);
  if (feature !== undefined && !device.features.has(feature)) {
    throw new TypeError(`The format "${format}" needs the feature "${feature}".`);
  }
}

/** Texels are copied in blocks: of one texel, but for compressed formats. */
export type TexelBlock = {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
};

const PACKED = new Set(["rgb9e5ufloat", "rgb10a2uint", "rgb10a2unorm", "rg11b10ufloat"]);

/** Undefined for depth and stencil formats, whose blocks depend on the aspect. */
export function texelBlock(format: GPUTextureFormat): TexelBlock | undefined {
  if (PACKED.has(format)) return { width: 1, height: 1, bytes: 4 };
  const plain = /^(rgba|bgra|rg|r)(8|16|32)/.exec(format);
  if (plain !== null) {
    const [, channels, bits] = plain;
    return { width: 1, height: 1, bytes: (channels!.length * Number(bits)) / 8 };
  }
  const astc = /^astc-(\d+)x(\d+)/.exec(format);
  if (astc !== null) return { width: Number(astc[1]), height: Number(astc[2]), bytes: 16 };
  if (/^(bc1|bc4|etc2-rgb8|eac-r11)/.test(format)) return { width: 4, height: 4, bytes: 8 };
  if (/^(bc|etc2|eac)/.test(format)) return { width: 4, height: 4, bytes: 16 };
  return undefined;
}
