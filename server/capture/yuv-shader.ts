import type { PredefinedColorSpace } from "#shared/wire/gen/enums.ts";

// Converts a canvas texture to video on the GPU: 1.5 bytes a pixel leave it instead of 4.
//
// The matrix of BT.601 in limited range (ITU-R BT.601-7, 2.5), applied to the canvas' values in sRGB; why that matrix is
// told in encode/picture.ts. The stream signals the sRGB transfer function. Chroma is sited left (H.264, figure E-1): filtered 1 2 1 across, averaged over the two rows.
// Alpha is left out: a canvas is shown on black, where opaque and premultiplied pixels both look like their colour.

/** Pixels that one invocation converts: 8 across and 2 down make whole words of all planes. */
const BLOCK_WIDTH = 8;
const BLOCK_HEIGHT = 2;
const WORKGROUP = 8;

/** Bytes of the shader's parameters. */
export const YUV_PARAMETER_BYTES = 16;

const SHADER = /* wgsl */ `
struct Parameters {
  // Of the texture, in pixels: reads are clamped to it.
  size: vec2u,
  // Words from one luma row to the next.
  pitch: u32,
  // Blocks down: invocations past it do nothing.
  rows: u32,
}

override INTERLEAVED: bool;
override IS_LINEAR: bool;
override IS_DISPLAY_P3: bool;

@group(0) @binding(0) var source: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> video: array<u32>;
@group(0) @binding(2) var<uniform> parameters: Parameters;

fn to_linear(c: vec3f) -> vec3f {
  return select(pow((c + 0.055) / 1.055, vec3f(2.4)), c / 12.92, c <= vec3f(0.04045));
}

fn to_srgb(c: vec3f) -> vec3f {
  return select(1.055 * pow(c, vec3f(1.0 / 2.4)) - 0.055, 12.92 * c, c <= vec3f(0.0031308));
}

// CSS Color 4, section 20: display-p3 to XYZ, XYZ to sRGB.
const P3_TO_SRGB = mat3x3f(
  1.2249402, -0.0420570, -0.0196376,
  -0.2249402, 1.0420570, -0.0786361,
  0.0, 0.0, 1.0982736,
);

fn load(at: vec2i) -> vec3f {
  let last = vec2i(parameters.size) - 1;
  var color = clamp(textureLoad(source, clamp(at, vec2i(0), last), 0).rgb, vec3f(0), vec3f(1));
  if IS_DISPLAY_P3 {
    if !IS_LINEAR {
      color = to_linear(color);
    }
    return to_srgb(clamp(P3_TO_SRGB * color, vec3f(0), vec3f(1)));
  }
  if IS_LINEAR {
    return to_srgb(color);
  }
  return color;
}

fn luma(color: vec3f) -> f32 {
  return dot(color, vec3f(0.299, 0.587, 0.114));
}

@compute @workgroup_size(${WORKGROUP}, ${WORKGROUP})
fn main(@builtin(global_invocation_id) block: vec3u) {
  let pitch = parameters.pitch;
  if block.y >= parameters.rows || block.x * ${BLOCK_WIDTH} >= parameters.size.x {
    return;
  }
  let corner = vec2i(block.xy) * vec2i(${BLOCK_WIDTH}, ${BLOCK_HEIGHT});
  // Columns -1 to 7 of the block, both rows averaged.
  var column: array<vec3f, 9>;
  column[0] = load(corner + vec2i(-1, 0)) + load(corner + vec2i(-1, 1));
  var upper: array<f32, 8>;
  var lower: array<f32, 8>;
  for (var x = 0; x < 8; x++) {
    let a = load(corner + vec2i(x, 0));
    let b = load(corner + vec2i(x, 1));
    upper[x] = (16.0 + 219.0 * luma(a)) / 255.0;
    lower[x] = (16.0 + 219.0 * luma(b)) / 255.0;
    column[x + 1] = a + b;
  }
  let row = block.y * 2 * pitch + block.x * 2;
  video[row] = pack4x8unorm(vec4f(upper[0], upper[1], upper[2], upper[3]));
  video[row + 1] = pack4x8unorm(vec4f(upper[4], upper[5], upper[6], upper[7]));
  video[row + pitch] = pack4x8unorm(vec4f(lower[0], lower[1], lower[2], lower[3]));
  video[row + pitch + 1] = pack4x8unorm(vec4f(lower[4], lower[5], lower[6], lower[7]));
  var u: vec4f;
  var v: vec4f;
  for (var i = 0; i < 4; i++) {
    let color = (column[2 * i] + 2.0 * column[2 * i + 1] + column[2 * i + 2]) / 8.0;
    let y = luma(color);
    u[i] = (128.0 + 224.0 * (color.b - y) / 1.772) / 255.0;
    v[i] = (128.0 + 224.0 * (color.r - y) / 1.402) / 255.0;
  }
  let chroma = parameters.rows * 2 * pitch;
  if INTERLEAVED {
    let at = chroma + block.y * pitch + block.x * 2;
    video[at] = pack4x8unorm(vec4f(u.x, v.x, u.y, v.y));
    video[at + 1] = pack4x8unorm(vec4f(u.z, v.z, u.w, v.w));
  } else {
    let at = chroma + block.y * (pitch / 2) + block.x;
    video[at] = pack4x8unorm(u);
    video[at + parameters.rows * (pitch / 2)] = pack4x8unorm(v);
  }
}
`;

export type YuvVariant = {
  readonly layout: "i420" | "nv12";
  readonly colorSpace: PredefinedColorSpace;
};

export function createYuvPipeline(device: GPUDevice, variant: YuvVariant): GPUComputePipeline {
  return device.createComputePipeline({
    label: "Heliograph colour conversion",
    layout: "auto",
    compute: {
      module: device.createShaderModule({ label: "Heliograph colour conversion", code: SHADER }),
      constants: {
        INTERLEAVED: variant.layout === "nv12" ? 1 : 0,
        IS_LINEAR: variant.colorSpace.endsWith("-linear") ? 1 : 0,
        IS_DISPLAY_P3: variant.colorSpace.startsWith("display-p3") ? 1 : 0,
      },
    },
  });
}

/** The shader's parameters for a texture of this size (pixels) and video rows of `pitch` bytes. */
export function yuvParameters(
  width: number,
  height: number,
  pitch: number,
): Uint32Array<ArrayBuffer> {
  return new Uint32Array([width, height, pitch / 4, Math.ceil(height / BLOCK_HEIGHT)]);
}

export function yuvWorkgroups(width: number, height: number): readonly [number, number] {
  return [
    Math.ceil(width / (BLOCK_WIDTH * WORKGROUP)),
    Math.ceil(height / (BLOCK_HEIGHT * WORKGROUP)),
  ];
}
