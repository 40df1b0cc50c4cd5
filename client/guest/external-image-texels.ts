import { copyBlock } from "#shared/texels/texel-block.ts";
import type { PredefinedColorSpace } from "#shared/wire/gen/enums.ts";
import type { Pixels } from "./external-image.ts";
import { toHalfBits } from "./half-float.ts";

type Conversion = {
  readonly flipY: boolean;
  readonly premultipliedAlpha: boolean;
  readonly colorSpace: PredefinedColorSpace;
};

type Texels = { readonly bytes: Uint8Array; readonly bytesPerRow: number };

/** How the channels of a texel are stored; `order` names the channels from the first byte. */
type Layout = {
  readonly order: readonly number[];
  readonly type: "unorm8" | "unorm16" | "float16" | "float32" | "rgb10a2";
};

const R = 0;
const G = 1;
const B = 2;
const A = 3;

/** Formats that can be copied to: https://www.w3.org/TR/webgpu/#dom-gpuqueue-copyexternalimagetotexture */
const LAYOUTS: Readonly<Partial<Record<GPUTextureFormat, Layout>>> = {
  r8unorm: { order: [R], type: "unorm8" },
  r16unorm: { order: [R], type: "unorm16" },
  r16float: { order: [R], type: "float16" },
  r32float: { order: [R], type: "float32" },
  rg8unorm: { order: [R, G], type: "unorm8" },
  rg16unorm: { order: [R, G], type: "unorm16" },
  rg16float: { order: [R, G], type: "float16" },
  rg32float: { order: [R, G], type: "float32" },
  rgba8unorm: { order: [R, G, B, A], type: "unorm8" },
  "rgba8unorm-srgb": { order: [R, G, B, A], type: "unorm8" },
  bgra8unorm: { order: [B, G, R, A], type: "unorm8" },
  "bgra8unorm-srgb": { order: [B, G, R, A], type: "unorm8" },
  rgb10a2unorm: { order: [R, G, B, A], type: "rgb10a2" },
  rgba16unorm: { order: [R, G, B, A], type: "unorm16" },
  rgba16float: { order: [R, G, B, A], type: "float16" },
  rgba32float: { order: [R, G, B, A], type: "float32" },
};

export function isCopyFormat(format: GPUTextureFormat): boolean {
  return LAYOUTS[format] !== undefined;
}

/** The image as texels of the format, without padding between rows. */
export function convertTexels(
  pixels: Pixels,
  format: GPUTextureFormat,
  { flipY, premultipliedAlpha, colorSpace }: Conversion,
): Texels {
  const { width, height, data } = pixels;
  const layout = LAYOUTS[format]!;
  const bytesPerRow = width * copyBlock(format)!.bytes;
  const texels = new DataView(new ArrayBuffer(bytesPerRow * height));
  const put = writers[layout.type];
  const color = new Float64Array(4);
  let at = 0;
  for (let row = 0; row < height; row++) {
    let from = (flipY ? height - 1 - row : row) * width * 4;
    for (let column = 0; column < width; column++, from += 4) {
      for (let channel = 0; channel < 4; channel++) color[channel] = data[from + channel]! / 255;
      if (colorSpace !== "srgb") convertColor(color, colorSpace);
      if (premultipliedAlpha) premultiply(color);
      at = put(texels, at, color, layout.order);
    }
  }
  return { bytes: new Uint8Array(texels.buffer), bytesPerRow };
}

type Put = (texels: DataView, at: number, color: Float64Array, order: readonly number[]) => number;

const writers: Readonly<Record<Layout["type"], Put>> = {
  unorm8(texels, at, color, order) {
    for (const channel of order) texels.setUint8(at++, Math.round(color[channel]! * 0xff));
    return at;
  },
  unorm16(texels, at, color, order) {
    for (let index = 0; index < order.length; index++, at += 2) {
      texels.setUint16(at, Math.round(color[order[index]!]! * 0xffff), true);
    }
    return at;
  },
  float16(texels, at, color, order) {
    for (let index = 0; index < order.length; index++, at += 2) {
      texels.setUint16(at, toHalfBits(color[order[index]!]!), true);
    }
    return at;
  },
  float32(texels, at, color, order) {
    for (let index = 0; index < order.length; index++, at += 4) {
      texels.setFloat32(at, color[order[index]!]!, true);
    }
    return at;
  },
  rgb10a2(texels, at, color) {
    const bits = (channel: number, max: number) => Math.round(color[channel]! * max);
    const rgb = bits(R, 1023) | (bits(G, 1023) << 10) | (bits(B, 1023) << 20);
    texels.setUint32(at, (rgb | (bits(A, 3) << 30)) >>> 0, true);
    return at + 4;
  },
};

function premultiply(color: Float64Array): void {
  const alpha = color[A]!;
  color[R]! *= alpha;
  color[G]! *= alpha;
  color[B]! *= alpha;
}

function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function fromLinear(value: number): number {
  return value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
}

/** Display P3 has sRGB's transfer function, and every sRGB colour lies within it. */
function convertColor(color: Float64Array, to: PredefinedColorSpace): void {
  const r = toLinear(color[R]!);
  const g = toLinear(color[G]!);
  const b = toLinear(color[B]!);
  const isWide = to.startsWith("display-p3");
  color[R] = isWide ? 0.8224621 * r + 0.177538 * g : r;
  color[G] = isWide ? 0.0331941 * r + 0.9668058 * g : g;
  color[B] = isWide ? 0.0170827 * r + 0.0723974 * g + 0.9105199 * b : b;
  if (to.endsWith("-linear")) return;
  for (const channel of [R, G, B]) color[channel] = fromLinear(color[channel]!);
}
