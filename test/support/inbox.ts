/** Waits for what a callback hands over, instead of for time. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting = new Set<() => void>();

  put(item: T): void {
    this.#items.push(item);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Takes items up to the first that fits, and returns that. */
  async next(fits: (item: T) => boolean = () => true): Promise<T> {
    for (;;) {
      const at = this.#items.findIndex(fits);
      if (at !== -1) return this.#items.splice(0, at + 1)[at]!;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  get waiting(): readonly T[] {
    return this.#items;
  }
}
