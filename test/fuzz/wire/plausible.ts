import type { Random } from "../random.ts";

// What a program that means well would write, by the names of the specification's members: so that most commands get
// past the first check. Whatever has no entry is small or zero.

const SIZES = [0, 4, 4, 16, 16, 64, 256, 256, 1024, 4096, 65_536] as const;
const OFFSETS = [0, 0, 0, 0, 4, 8, 256] as const;
const SIDES = [1, 1, 4, 16, 64, 64] as const;
const COUNTS = [0, 1, 1, 2, 3, 6] as const;

const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  size: SIZES,
  offset: OFFSETS,
  bufferOffset: OFFSETS,
  sourceOffset: OFFSETS,
  destinationOffset: OFFSETS,
  indirectOffset: OFFSETS,
  width: SIDES,
  height: SIDES,
  depthOrArrayLayers: [1, 1, 1, 2, 6],
  mipLevelCount: [1, 1, 1, 2, 3],
  sampleCount: [1, 1, 1, 4],
  count: [1, 1, 1, 4, 16],
  bytesPerRow: [256, 256, 512, 64, 0],
  rowsPerImage: [1, 4, 16, 64],
  visibility: [1, 2, 4, 7, 7, 7],
  mode: [1, 1, 2, 2, 3],
  arrayStride: [4, 8, 16, 16, 32],
  writeMask: [15, 15, 7, 0],
  mask: [0xffff_ffff, 0xffff_ffff, 1],
  stencilReadMask: [255],
  stencilWriteMask: [255],
  minBindingSize: [0, 0, 16],
  vertexCount: [3, 3, 6, 0, 1],
  instanceCount: COUNTS,
  indexCount: [3, 6, 0],
  workgroupCountX: COUNTS,
  workgroupCountY: COUNTS,
  workgroupCountZ: [1, 1, 0, 2],
  maxDrawCount: [50_000_000, 10],
  minDepth: [0],
  maxDepth: [1],
  maxAnisotropy: [1, 1, 4],
  depth: [1],
};

const FORMATS = [
  "rgba8unorm",
  "rgba8unorm",
  "bgra8unorm",
  "r32float",
  "rgba16float",
  "depth24plus",
  "depth32float",
  "r8unorm",
  "rgba32uint",
  "depth24plus-stencil8",
] as const;

const SHADERS = [
  `@vertex fn vs(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
     return vec4f(f32(i & 1u) * 2 - 1, f32(i >> 1u) * 2 - 1, 0, 1); }
   @fragment fn fs() -> @location(0) vec4f { return vec4f(1, 0.5, 0, 1); }`,
  `@group(0) @binding(0) var<storage, read_write> data: array<u32>;
   @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
     if (id.x < arrayLength(&data)) { data[id.x] = data[id.x] * 2 + 1; } }`,
  `override n: u32 = 2; @compute @workgroup_size(n) fn main() {}`,
  `@group(0) @binding(0) var<uniform> u: vec4f; @group(0) @binding(1) var t: texture_2d<f32>;
   @group(0) @binding(2) var s: sampler;
   @vertex fn vs(@location(0) at: vec2f) -> @builtin(position) vec4f { return vec4f(at, 0, 1) + u; }
   @fragment fn fs(@builtin(position) at: vec4f) -> @location(0) vec4f {
     return textureSampleLevel(t, s, at.xy, 0); }`,
  `fn broken( {`,
  ``,
  `@compute @workgroup_size(4096, 4096, 4096) fn main() {}`,
  `const x = array<array<array<f32, 4096>, 4096>, 64>();`,
] as const;

const ENTRY_POINTS = ["main", "vs", "fs", "none", ""] as const;

/** Bits of GPUBufferUsage that go together, and some that don't. */
const BUFFER_USAGES = [0x08, 0x0c, 0x09, 0x06, 0x2c, 0x4c, 0x8c, 0x1c, 0x10c, 0x204, 0x01, 0x3ff];
const TEXTURE_USAGES = [0x10, 0x11, 0x13, 0x04, 0x06, 0x0f, 0x1f, 0x17];

export function plausibleNumber(random: Random, name: string, owner: string): number {
  if (name === "usage") {
    return random.pick(owner.includes("Buffer") ? BUFFER_USAGES : TEXTURE_USAGES);
  }
  return random.pick(NUMBERS[name] ?? COUNTS);
}

export function plausibleText(random: Random, name: string): string {
  if (name === "code") return random.pick(SHADERS);
  if (name === "swizzle") return random.pick(["rgba", "rgba", "bgr1"]);
  if (name === "entryPoint") return random.pick(ENTRY_POINTS);
  return random.pick(["", "n", "maxBindGroups", "maxBufferSize", "a name"]);
}

/** Undefined: any value of the enum. */
export function plausibleEnum(random: Random, type: string): string | undefined {
  // Dawn throws at formats and queries of features that the device does not have.
  if (type === "GPUTextureFormat" && random.chance(0.98)) return random.pick(FORMATS);
  if (type === "GPUQueryType" && random.chance(0.95)) return "occlusion";
  if (type === "GPUTextureDimension" && random.chance(0.8)) return "2d";
  return undefined;
}
