import { expect, test } from "vitest";
import { copyBlock, memoryBlock } from "#shared/texels/texel-block.ts";
import { GPU_TEXTURE_FORMAT_NAMES, type GPUTextureFormat } from "#shared/wire/gen/enums.ts";

const FORMATS = GPU_TEXTURE_FORMAT_NAMES.filter((format) => format !== undefined);

test.for<readonly [GPUTextureFormat, readonly [width: number, height: number, bytes: number]]>([
  ["r8unorm", [1, 1, 1]],
  ["r16float", [1, 1, 2]],
  ["rg8sint", [1, 1, 2]],
  ["r32uint", [1, 1, 4]],
  ["rgba8unorm-srgb", [1, 1, 4]],
  ["bgra8unorm", [1, 1, 4]],
  ["rgb9e5ufloat", [1, 1, 4]],
  ["rgb10a2unorm", [1, 1, 4]],
  ["rg11b10ufloat", [1, 1, 4]],
  ["rg32float", [1, 1, 8]],
  ["rgba16float", [1, 1, 8]],
  ["rgba32uint", [1, 1, 16]],
  ["stencil8", [1, 1, 1]],
  ["depth16unorm", [1, 1, 2]],
  ["depth24plus", [1, 1, 4]],
  ["depth24plus-stencil8", [1, 1, 8]],
  ["depth32float", [1, 1, 4]],
  ["depth32float-stencil8", [1, 1, 8]],
  ["bc1-rgba-unorm", [4, 4, 8]],
  ["bc3-rgba-unorm-srgb", [4, 4, 16]],
  ["bc4-r-snorm", [4, 4, 8]],
  ["bc7-rgba-unorm", [4, 4, 16]],
  ["etc2-rgb8unorm", [4, 4, 8]],
  ["etc2-rgb8a1unorm-srgb", [4, 4, 8]],
  ["etc2-rgba8unorm", [4, 4, 16]],
  ["eac-r11snorm", [4, 4, 8]],
  ["eac-rg11unorm", [4, 4, 16]],
  ["astc-4x4-unorm", [4, 4, 16]],
  ["astc-12x10-unorm-srgb", [12, 10, 16]],
])("%s lies in memory in blocks of %j", ([format, [width, height, bytes]]) => {
  expect(memoryBlock(format)).toEqual({ width, height, bytes });
});

test.for(FORMATS)(
  "%s has a size in memory, and in copies the same unless it is of depth or stencil",
  (format) => {
    const inMemory = memoryBlock(format);
    expect(inMemory.bytes).toBeGreaterThan(0);
    expect(copyBlock(format)).toEqual(/depth|stencil/.test(format) ? undefined : inMemory);
  },
);
