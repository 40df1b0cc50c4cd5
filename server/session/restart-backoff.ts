const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 10_000;
/** A worker that lived this long was well: its end starts the count anew. */
const HEALTHY_AFTER_MS = 30_000;

/** How long a session waits before it starts a worker again: a guest that kills each must not spin. */
export class RestartBackoff {
  #failures = 0;
  #startedAt = 0;
  #notBefore = Number.NEGATIVE_INFINITY;

  started(now: number): void {
    this.#startedAt = now;
  }

  failed(now: number): void {
    if (now - this.#startedAt >= HEALTHY_AFTER_MS) this.#failures = 0;
    this.#notBefore = now + Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures++;
  }

  /** Milliseconds from `now` until the failures so far no longer count. */
  remembered(now: number): number {
    return this.#failures === 0 ? 0 : Math.max(0, this.#notBefore + HEALTHY_AFTER_MS - now);
  }

  /** Milliseconds to wait from `now`. */
  delay(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }
}
