/** A session can't take a program or viewer now; the message is a sentence for it. */
export class SessionUnavailable extends Error {
  override name = "SessionUnavailable" as const;
}
