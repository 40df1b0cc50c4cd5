// Limits of the encoder. A picture comes from a guest, a bitrate from the media thread.

/**
 * Macroblocks (16 by 16 pixels) of one picture: MaxFS of level 6.2, the highest of H.264 (table A-1).
 * Bounds the memory that an encoder takes for its reference pictures.
 */
export const MAX_PICTURE_MACROBLOCKS = 139_264;

/** Pixels of one side. No level allows more than sqrt(8 * MaxFS) macroblocks in a row (A.3.1). */
export const MAX_PICTURE_SIDE = 16_384;

/** Bits a second. Below, a 720p picture cannot hold its headers and skipped blocks within a frame's budget. */
export const MIN_BITRATE = 150_000;

/** Bits a second. Bounds what a misled bandwidth estimate makes a session send. */
export const MAX_BITRATE = 100_000_000;

/** Bits a second until the media thread says what the path to the viewers carries. */
export const DEFAULT_BITRATE = 8_000_000;
