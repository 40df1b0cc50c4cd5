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
