/** Long enough for a queue of our own to drain once, short against a change of route. */
const BASE_WINDOW_MS = 10_000;
/** A standing queue delays every packet for this long; a late wake-up of the viewer delays a few. */
const RECENT_WINDOW_MS = 250;
const LEAST_SAMPLES = 5;

/**
 * How long packets wait in queues on the way: the least one-way delay of late over the least of a
 * longer time (RFC 6817, "base delay"). The clocks' offset is in both and falls out, their drift
 * (under 1 ms in 10 s) is small. Taking the least of late makes it blind to jitter.
 */
export class QueueingDelay {
  #base = Infinity;
  #nextBase = Infinity;
  #baseSince: number | undefined;
  #recent: { at: number; delay: number }[] = [];

  /** `now` is when feedback came; the delay is arrival (viewer's clock) minus departure (ours). */
  add(now: number, delay: number): void {
    this.#baseSince ??= now;
    if (now - this.#baseSince > BASE_WINDOW_MS / 2) {
      this.#base = this.#nextBase;
      this.#nextBase = Infinity;
      this.#baseSince = now;
    }
    this.#base = Math.min(this.#base, delay);
    this.#nextBase = Math.min(this.#nextBase, delay);
    this.#recent.push({ at: now, delay });
  }

  /** Milliseconds; undefined while too little is known. */
  current(now: number): number | undefined {
    this.#recent = this.#recent.filter(({ at }) => now - at <= RECENT_WINDOW_MS);
    if (this.#recent.length < LEAST_SAMPLES) return undefined;
    return this.#recent.reduce((least, { delay }) => Math.min(least, delay), Infinity) - this.#base;
  }

  /** What is taken for a queue now is taken for the way's own length from here on. */
  rebase(): void {
    this.#base = Infinity;
    this.#nextBase = Infinity;
    for (const { delay } of this.#recent) this.#base = Math.min(this.#base, delay);
    this.#nextBase = this.#base;
  }
}
