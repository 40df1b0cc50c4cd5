const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 10_000;

/** Delays that double, each with jitter: relays that lost one gateway must not return in step. */
export class Backoff {
  readonly #random: () => number;
  readonly #last: number;
  #ceiling = FIRST_DELAY_MS;

  /** `random` gives 0 to 1; `last` is the longest delay in milliseconds. */
  constructor(random: () => number = Math.random, last = LAST_DELAY_MS) {
    this.#random = random;
    this.#last = last;
  }

  /** Milliseconds to wait before the next attempt: half of the ceiling and a random part of the rest. */
  next(): number {
    const delay = this.#ceiling / 2 + (this.#ceiling / 2) * this.#random();
    this.#ceiling = Math.min(this.#last, this.#ceiling * 2);
    return delay;
  }
}
