import { z } from "zod";

/** 1 TiB. */
const MAX_MB = 1024 * 1024;

const megabytes = z.number().int().min(1).max(MAX_MB);

/** What the recordings of each session may take of the disk, and where they are. */
export const recordings = z
  .strictObject({
    /** Absent: "recordings" in the state folder. */
    folder: z.string().min(1).optional(),
    /** One connection's; past it the recording ends, and the program goes on. */
    fileMb: megabytes.default(64),
    /** The newest stay. */
    files: z.number().int().min(1).max(10_000).default(16),
    totalMb: megabytes.default(512),
  })
  .refine(({ fileMb, totalMb }) => fileMb <= totalMb, {
    error: "fileMb is more than totalMb, so that no recording has room",
  });
