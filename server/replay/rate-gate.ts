/**
 * Holds what is spent to a rate, by telling spenders how long to wait. What was not spent for a
 * second may be spent at once. Shared by a session's connections, which wait for one another.
 */
export class RateGate {
  /** A second. */
  rate: number;
  readonly #now: () => number;
  #debt = 0;
  #at: number;

  /** `now` is in milliseconds. */
  constructor(rate: number, now: () => number = () => performance.now()) {
    this.rate = rate;
    this.#now = now;
    this.#at = now();
  }

  /** Spends, and returns the milliseconds for which the spender spends nothing more. */
  spend(amount: number): number {
    const now = this.#now();
    this.#debt = Math.max(0, this.#debt - ((now - this.#at) * this.rate) / 1000) + amount;
    this.#at = now;
    return (Math.max(0, this.#debt - this.rate) / this.rate) * 1000;
  }
}
