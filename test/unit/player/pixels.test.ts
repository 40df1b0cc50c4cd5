import { expect, test } from "vitest";
import type { PictureHash } from "#server/recording/format.ts";
import { MAX_TEXEL_BYTES, texelBytes, toRgba } from "#server/player/pixels.ts";

/** As IEEE 754 halves, little-endian. */
const halves = (...bits: number[]) => new Uint8Array(new Uint16Array(bits).buffer);

test.for<{ format: PictureHash["format"]; texels: Uint8Array; rgba: number[] }>([
  { format: "rgba8unorm", texels: Uint8Array.of(1, 2, 3, 4), rgba: [1, 2, 3, 255] },
  { format: "bgra8unorm", texels: Uint8Array.of(1, 2, 3, 4), rgba: [3, 2, 1, 255] },
  // 1, 0.5, 0
  { format: "rgba16float", texels: halves(0x3c00, 0x3800, 0, 0), rgba: [255, 128, 0, 255] },
  // 2, -1, infinity
  { format: "rgba16float", texels: halves(0x4000, 0xbc00, 0x7c00, 0), rgba: [255, 0, 255, 255] },
  // NaN, the smallest above 0
  { format: "rgba16float", texels: halves(0x7e00, 1, 0x3c00, 0), rgba: [0, 0, 255, 255] },
])("$format: $rgba", ({ format, texels, rgba }) => {
  const hash = { number: 1, surface: 1, width: 1, height: 1, format, sha256: "00".repeat(32) };
  expect([...toRgba({ hash, time: 0, texels })]).toEqual(rgba);
});

test("a picture's texels are bounded", () => {
  const hash = { number: 3, surface: 1, format: "rgba16float", sha256: "00".repeat(32) } as const;
  expect(texelBytes({ ...hash, width: 4096, height: 4096 })).toBe(MAX_TEXEL_BYTES);
  expect(() => texelBytes({ ...hash, width: 4096, height: 4097 })).toThrow(
    "Picture 3 (4096 by 4097) takes 134250496 bytes, over the limit (134217728)",
  );
});
