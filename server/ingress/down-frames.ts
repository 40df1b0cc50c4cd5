import type { Session } from "#server/session/session.ts";
import { TokenBucket } from "#shared/base/token-bucket.ts";

/**
 * Frames that one session's worker sends to its programs in a second; past it the worker waits. Bounds the gateway's time
 * for one that makes frames of five bytes, each of which is a WebSocket message. 64 programs at 120 frames a second with a
 * reply to each get 7,680.
 */
export const MAX_DOWN_FRAMES_PER_SECOND = 10_000;
/** So many at once: what holds up the gateway for ten milliseconds. */
export const MAX_DOWN_FRAMES_AT_ONCE = 1_000;

/** How many frames each session's worker may still send. */
export class DownFrames {
  readonly #rates = new WeakMap<Session, TokenBucket>();

  of(session: Session): TokenBucket {
    const known = this.#rates.get(session);
    if (known !== undefined) return known;
    const rate = new TokenBucket(MAX_DOWN_FRAMES_PER_SECOND, MAX_DOWN_FRAMES_AT_ONCE);
    this.#rates.set(session, rate);
    return rate;
  }
}
