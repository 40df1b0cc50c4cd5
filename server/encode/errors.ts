/** The encoder cannot do what was asked of it, or FFmpeg refused. The message says what, with the values. */
export class EncodeError extends Error {
  override name = "EncodeError" as const;
}
