/** A playback did not come to its end; the message is a sentence. */
export class PlayerError extends Error {
  override name = "PlayerError" as const;
}
