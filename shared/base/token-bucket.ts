/** Allows `rate` a second on average and `burst` at once. Time is the caller's, in milliseconds. */
export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number | undefined;

  constructor(rate: number, burst: number) {
    this.#rate = rate;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Takes `count` tokens if there are as many; takes none otherwise. */
  take(now: number, count = 1): boolean {
    const elapsed = now - (this.#filledAt ?? now);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * this.#rate) / 1000);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
