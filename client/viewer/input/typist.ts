import type { InputEvent } from "#shared/input/events.ts";

/** Over 1,000 input events in a second the gateway ends a viewer; a hand at the mouse makes events, too. */
export const EVENTS_AT_ONCE = 100;
export const PAUSE_MS = 200;

/** Sends what the keyboard does in its order: at once, but for so much that it takes some time. */
export class Typist {
  readonly #send: (event: InputEvent) => void;
  #waiting: InputEvent[] = [];
  /** Since the last pause began. */
  #sent = 0;

  constructor(send: (event: InputEvent) => void) {
    this.#send = send;
  }

  type(events: readonly InputEvent[]): void {
    this.#waiting.push(...events);
    this.#next();
  }

  /** What is not typed yet is not wanted any more. Where releases were among it, the guest lets go of all. */
  stop(): void {
    if (this.#waiting.length > 0) this.#waiting = [{ type: "blur" }];
  }

  #next(): void {
    const events = this.#waiting.splice(0, EVENTS_AT_ONCE - this.#sent);
    if (events.length === 0) return;
    if (this.#sent === 0) {
      setTimeout(() => {
        this.#sent = 0;
        this.#next();
      }, PAUSE_MS);
    }
    this.#sent += events.length;
    for (const event of events) this.#send(event);
  }
}
