import { expect, test } from "vitest";
import { h264Level } from "#server/encode/h264-level.ts";
import { MAX_PICTURE_MACROBLOCKS, MAX_PICTURE_SIDE } from "#server/encode/limits.ts";

// Expected levels from ITU-T H.264, table A-1.
test.each([
  { width: 176, height: 144, rate: 15, bitrate: 64_000, level: 10 },
  { width: 176, height: 144, rate: 15, bitrate: 64_001, level: 11 },
  { width: 640, height: 480, rate: 30, bitrate: 4_000_000, level: 30 },
  { width: 1280, height: 720, rate: 30, bitrate: 14_000_000, level: 31 },
  { width: 1280, height: 720, rate: 31, bitrate: 14_000_000, level: 32 },
  { width: 1280, height: 720, rate: 60, bitrate: 8_000_000, level: 32 },
  { width: 1920, height: 1080, rate: 30, bitrate: 20_000_000, level: 40 },
  { width: 1920, height: 1080, rate: 60, bitrate: 20_000_000, level: 42 },
  { width: 3840, height: 2160, rate: 60, bitrate: 50_000_000, level: 52 },
  { width: 7680, height: 4320, rate: 60, bitrate: 50_000_000, level: 61 },
  { width: 7680, height: 4320, rate: 1000, bitrate: 50_000_000, level: 62 },
  // Few macroblocks, but more in a row than level 1.1 allows.
  { width: 1040, height: 16, rate: 15, bitrate: 64_000, level: 21 },
])(
  "$width by $height at $rate frames and $bitrate bits a second fits level_idc $level",
  ({ width, height, rate, bitrate, level }) => {
    expect(h264Level(width, height, rate, bitrate)).toBe(level);
  },
);

/** So wide that a whole number of rows fills the limit. */
const WIDE = 8192;
const MOST_ROWS = MAX_PICTURE_MACROBLOCKS / (WIDE / 16);

test.each([
  { name: "macroblocks", width: WIDE, fits: MOST_ROWS * 16, over: MOST_ROWS * 16 + 1 },
  { name: "a side", width: 2, fits: MAX_PICTURE_SIDE, over: MAX_PICTURE_SIDE + 1 },
])("a picture is refused one over the limit of $name", ({ width, fits, over }) => {
  expect(h264Level(width, fits, 60, 8_000_000)).toBeGreaterThan(0);
  expect(() => h264Level(width, over, 60, 8_000_000)).toThrow(/is over what H.264 holds/);
});

test("the limits are those of level 6.2", () => {
  expect(MAX_PICTURE_MACROBLOCKS).toBe(139_264);
  expect(MAX_PICTURE_SIDE).toBeLessThanOrEqual(16 * Math.sqrt(8 * MAX_PICTURE_MACROBLOCKS));
});
