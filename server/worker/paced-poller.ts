/** Milliseconds between polls while work is fresh. A timer can't be finer. */
const SHORTEST_MS = 1;

/** Milliseconds between polls for what has been pending long (a map that nobody submits work for). */
const LONGEST_MS = 16;

/** An interval is at most this fraction of the time already waited, which bounds the added latency. */
const FRACTION = 1 / 25;

const nativeFunction = /\{\s*\[native code\]\s*\}$/;

/**
 * Dawn's binding polls its event loop through `globalThis.setImmediate` for as long as any operation
 * is outstanding, which keeps a core spinning (and, on a software GPU, takes that core from the
 * renderer). This gives it a slower clock instead: each 1 ms after work was handed over, then ever
 * slower, so that what stays pending for ever costs next to nothing.
 */
export class PacedPoller {
  /** Polls made since the start. */
  polls = 0;
  #awaitedSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #poll: (() => void) | undefined;

  /**
   * Work was handed to Dawn: the next polls come soon. One that is overdue comes now: as long as commands keep coming, the event
   * loop gets no turn, and what is done meanwhile would be known only once the worker has nothing left to do.
   */
  workHandedOver(): void {
    const now = performance.now();
    this.#awaitedSince = now;
    if (this.#poll === undefined) return;
    if (now - this.#due >= SHORTEST_MS) {
      clearTimeout(this.#timer);
      this.#pollNow();
    } else if (this.#due - now > SHORTEST_MS) {
      clearTimeout(this.#timer);
      this.#arm(now);
    }
  }

  /** Calls `poll` once, when it is time. Dawn has one poll outstanding at most. */
  schedule(poll: () => void): void {
    const waiting = this.#poll;
    this.#poll = waiting === undefined ? poll : () => (waiting(), poll());
    if (waiting === undefined) this.#arm(performance.now());
  }

  #arm(now: number): void {
    const waited = now - this.#awaitedSince;
    const delay = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, Math.floor(waited * FRACTION)));
    this.#due = now + delay;
    this.#timer = setTimeout(() => this.#pollNow(), delay);
  }

  #pollNow(): void {
    const poll = this.#poll;
    this.#poll = undefined;
    this.polls++;
    poll?.();
  }
}

/**
 * Replaces `globalThis.setImmediate` for Dawn's binding, to be called before it is imported. Calls by
 * anybody else (Node's own modules never look at the global) go where they went before: the binding
 * is told from them by passing one native function and nothing else.
 */
export function installPacedPoller(poller: PacedPoller): void {
  globalThis.setImmediate = new Proxy(globalThis.setImmediate, {
    apply(original, self, [callback, ...values]: [() => void, ...unknown[]]) {
      const isDawn =
        values.length === 0 &&
        callback.name === "" &&
        nativeFunction.test(Function.prototype.toString.call(callback));
      if (!isDawn) return Reflect.apply(original, self, [callback, ...values]);
      poller.schedule(callback);
      return undefined; // Dawn ignores the result.
    },
  });
}
