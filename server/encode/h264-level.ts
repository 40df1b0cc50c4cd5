import { EncodeError } from "./errors.ts";
import { MAX_PICTURE_MACROBLOCKS, MAX_PICTURE_SIDE } from "./limits.ts";

/** One row of table A-1 of ITU-T H.264: what a decoder of this level must manage. */
type Level = {
  /** level_idc: ten times the level's number. */
  readonly idc: number;
  readonly macroblocksPerSecond: number;
  readonly macroblocks: number;
  /** Bits a second in Baseline and Main (1000 * MaxBR). */
  readonly bitrate: number;
};

const LEVELS: readonly Level[] = [
  { idc: 10, macroblocksPerSecond: 1_485, macroblocks: 99, bitrate: 64_000 },
  { idc: 11, macroblocksPerSecond: 3_000, macroblocks: 396, bitrate: 192_000 },
  { idc: 12, macroblocksPerSecond: 6_000, macroblocks: 396, bitrate: 384_000 },
  { idc: 13, macroblocksPerSecond: 11_880, macroblocks: 396, bitrate: 768_000 },
  { idc: 20, macroblocksPerSecond: 11_880, macroblocks: 396, bitrate: 2_000_000 },
  { idc: 21, macroblocksPerSecond: 19_800, macroblocks: 792, bitrate: 4_000_000 },
  { idc: 22, macroblocksPerSecond: 20_250, macroblocks: 1_620, bitrate: 4_000_000 },
  { idc: 30, macroblocksPerSecond: 40_500, macroblocks: 1_620, bitrate: 10_000_000 },
  { idc: 31, macroblocksPerSecond: 108_000, macroblocks: 3_600, bitrate: 14_000_000 },
  { idc: 32, macroblocksPerSecond: 216_000, macroblocks: 5_120, bitrate: 20_000_000 },
  { idc: 40, macroblocksPerSecond: 245_760, macroblocks: 8_192, bitrate: 20_000_000 },
  { idc: 41, macroblocksPerSecond: 245_760, macroblocks: 8_192, bitrate: 50_000_000 },
  { idc: 42, macroblocksPerSecond: 522_240, macroblocks: 8_704, bitrate: 50_000_000 },
  { idc: 50, macroblocksPerSecond: 589_824, macroblocks: 22_080, bitrate: 135_000_000 },
  { idc: 51, macroblocksPerSecond: 983_040, macroblocks: 36_864, bitrate: 240_000_000 },
  { idc: 52, macroblocksPerSecond: 2_073_600, macroblocks: 36_864, bitrate: 240_000_000 },
  { idc: 60, macroblocksPerSecond: 4_177_920, macroblocks: 139_264, bitrate: 240_000_000 },
  { idc: 61, macroblocksPerSecond: 8_355_840, macroblocks: 139_264, bitrate: 480_000_000 },
  { idc: 62, macroblocksPerSecond: 16_711_680, macroblocks: 139_264, bitrate: 800_000_000 },
];

/** Whether any level of H.264 holds a picture of this size (pixels). */
export function fitsH264(width: number, height: number): boolean {
  return (
    Math.ceil(width / 16) * Math.ceil(height / 16) <= MAX_PICTURE_MACROBLOCKS &&
    Math.max(width, height) <= MAX_PICTURE_SIDE
  );
}

/**
 * The lowest level (level_idc) that holds pictures of this size (pixels) at this rate and bitrate (bits a second).
 * Source: ITU-T H.264, A.3.1 and table A-1. Throws an EncodeError for a picture over every level.
 */
export function h264Level(
  width: number,
  height: number,
  frameRate: number,
  bitrate: number,
): number {
  const columns = Math.ceil(width / 16);
  const rows = Math.ceil(height / 16);
  const macroblocks = columns * rows;
  if (!fitsH264(width, height)) {
    throw new EncodeError(
      `A picture of ${width} by ${height} pixels (${macroblocks} macroblocks) is over what H.264 holds (${MAX_PICTURE_MACROBLOCKS} macroblocks, sides of ${MAX_PICTURE_SIDE}).`,
    );
  }
  const longest = Math.max(columns, rows);
  const level = LEVELS.find(
    (candidate) =>
      macroblocks <= candidate.macroblocks &&
      longest * longest <= 8 * candidate.macroblocks &&
      macroblocks * frameRate <= candidate.macroblocksPerSecond &&
      bitrate <= candidate.bitrate,
  );
  // A rate over the last level is not a reason to refuse: decoders judge by size.
  return (level ?? LEVELS.at(-1)!).idc;
}
