import { z } from "zod";
import { boundsFields } from "#server/config/bounds.ts";

// What the player and its worker say to one another on a data socket, as frames of shared/wire/frames. The worker may have
// been taken over by the recording: what it says is checked by the player.

export const ToPlayback = {
  /** JSON, PlaybackBegin: before anything else. */
  begin: 1,
  /** The bytes of one record. */
  up: 2,
  /** There are no more; both ends stay open until the answer. */
  end: 3,
} as const;

export const FromPlayback = {
  /** All that a record asked for is done and told. */
  played: 1,
  /** JSON, PictureHash. Its texels follow, if they are wanted. */
  picture: 2,
  /** A part of the last picture's texels. */
  texels: 3,
  /** JSON, MappedHash. */
  mapped: 4,
  /** UTF-8 sentence: the stream breaks the protocol, and nothing more of it is played. */
  refused: 5,
  /** All is played. */
  finished: 6,
} as const;

export const PlaybackBegin = z.object({
  bounds: z.object(boundsFields),
  wantsTexels: z.boolean(),
});
export type PlaybackBegin = z.infer<typeof PlaybackBegin>;
