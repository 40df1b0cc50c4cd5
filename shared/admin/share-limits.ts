// In a file of their own: the page takes nothing else of gpu-share.ts that is more than a type.

/** The least and the most of what a share of the GPU may be given. */
export const SHARE_LIMITS = {
  /** Of an equal share. Bounds how small a part another session can be left with. */
  weight: { least: 0.1, most: 100 },
  /** Of a fixed share. */
  percent: { least: 1, most: 100 },
  /** Frames a second. Above what any screen shows. */
  frameRate: { least: 1, most: 240 },
} as const;
