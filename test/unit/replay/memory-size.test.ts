import { describe, expect, test } from "vitest";
import { bufferBytes, querySetBytes, textureBytes } from "#server/replay/memory-size.ts";

const MIB = 1024 * 1024;

describe("a buffer", () => {
  test.for([
    [0, 256],
    [1, 256],
    [256, 256],
    [257, 512],
    [1000, 1024],
    [3 * MIB, 4 * MIB],
    [4 * MIB - 1, 4 * MIB],
    [4 * MIB, 4 * MIB],
    [4 * MIB + 1, 4 * MIB + 4096],
    [100 * MIB, 100 * MIB],
  ] as const)("of %i bytes takes %i", ([size, bytes]) => {
    expect(bufferBytes(size)).toBe(bytes);
  });
});

describe("a texture", () => {
  test.for<{
    readonly what: string;
    readonly of: Parameters<typeof textureBytes>[0];
    bytes: number;
  }>([
    { what: "of one texel", of: { size: { width: 1 }, format: "rgba8unorm" }, bytes: 256 },
    {
      what: "that fills its rows",
      of: { size: { width: 256, height: 256 }, format: "rgba8unorm" },
      bytes: 256 * 256 * 4,
    },
    {
      what: "whose rows are padded (400 bytes to 448, then 44,800 to a power of two)",
      of: { size: { width: 100, height: 100 }, format: "bgra8unorm-srgb" },
      bytes: 65_536,
    },
    {
      what: "with all its mips (16 MiB, a quarter for each level to 64 wide, then padded rows)",
      of: { size: { width: 2048, height: 2048 }, format: "rgba8unorm", mipLevelCount: 12 },
      bytes: 22_372_352,
    },
    {
      what: "of four samples",
      of: { size: { width: 2048, height: 2048 }, format: "rgba8unorm", sampleCount: 4 },
      bytes: 64 * MIB,
    },
    {
      what: "of depth and stencil, in 8 bytes",
      of: { size: { width: 1024, height: 1024 }, format: "depth24plus-stencil8" },
      bytes: 8 * MIB,
    },
    {
      what: "of six layers (24,576 bytes)",
      of: { size: { width: 64, height: 64, depthOrArrayLayers: 6 }, format: "r8unorm" },
      bytes: 32_768,
    },
    {
      what: "whose layers stay with each mip (2,621,440 bytes)",
      of: {
        size: { width: 128, height: 128, depthOrArrayLayers: 128 },
        format: "r8unorm",
        mipLevelCount: 2,
      },
      bytes: 4 * MIB,
    },
    {
      what: "whose depth halves with each mip (64 MiB and an eighth)",
      of: {
        size: { width: 256, height: 256, depthOrArrayLayers: 256 },
        format: "rgba8unorm",
        dimension: "3d",
        mipLevelCount: 2,
      },
      bytes: 72 * MIB,
    },
    {
      what: "of one dimension",
      of: { size: { width: 1000 }, format: "rgba32float", dimension: "1d" },
      bytes: 16_384,
    },
    {
      what: "in blocks of 12 by 12 (9 by 9 blocks, rows of 144 bytes padded to 192)",
      of: { size: { width: 100, height: 100 }, format: "astc-12x12-unorm" },
      bytes: 2048,
    },
    {
      what: "in blocks of 4 by 4 of 8 bytes",
      of: { size: { width: 1024, height: 1024 }, format: "bc1-rgba-unorm" },
      bytes: 512 * 1024,
    },
  ])("$what takes $bytes bytes", ({ of, bytes }) => {
    expect(textureBytes(of)).toBe(bytes);
  });

  test("with more mips than there are is counted to an end", () => {
    const size = { width: 1 };
    expect(textureBytes({ size, format: "r8unorm", mipLevelCount: 2 ** 32 - 1 })).toBe(2048);
  });
});

test.for([
  [0, 256],
  [1, 256],
  [4096, 32_768],
] as const)("a set of %i queries takes %i bytes", ([count, bytes]) => {
  expect(querySetBytes(count)).toBe(bytes);
});
