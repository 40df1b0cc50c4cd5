/** Seconds that a rate is taken over: a report comes once a second, and one may be late. */
const WINDOW_SECONDS = 3;

/** What came a second, over the last whole seconds. Time is milliseconds of any monotonic clock. */
export class RecentRate {
  readonly #seconds = new Map<number, number>();

  add(amount: number, now: number): void {
    const second = Math.floor(now / 1000);
    this.#seconds.set(second, (this.#seconds.get(second) ?? 0) + amount);
    for (const old of this.#seconds.keys()) {
      if (old < second - WINDOW_SECONDS) this.#seconds.delete(old);
    }
  }

  /** The second under way is left out: it would make the rate saw-toothed. */
  perSecond(now: number): number {
    const second = Math.floor(now / 1000);
    let sum = 0;
    for (let back = 1; back <= WINDOW_SECONDS; back++) sum += this.#seconds.get(second - back) ?? 0;
    return sum / WINDOW_SECONDS;
  }
}
