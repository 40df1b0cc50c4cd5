import type { PointerInput } from "#shared/input/events.ts";

/**
 * Sends at most one move a pointer and animation frame: the first at once, so that it is not held back,
 * and of those after it only the latest, with the next frame.
 */
export class LatestMoves {
  readonly #send: (move: PointerInput) => void;
  readonly #requestFrame: (callback: () => void) => void;
  readonly #waiting = new Map<number, PointerInput>();
  readonly #sentInFrame = new Set<number>();
  #frameAsked = false;

  constructor(send: (move: PointerInput) => void, requestFrame: (callback: () => void) => void) {
    this.#send = send;
    this.#requestFrame = requestFrame;
  }

  offer(move: PointerInput): void {
    if (this.#sentInFrame.has(move.pointerId)) this.#waiting.set(move.pointerId, move);
    else this.#sendNow(move);
  }

  /** A press or release says where the pointer is: a move from before it would only arrive late. */
  drop(pointerId: number): void {
    this.#waiting.delete(pointerId);
  }

  #sendNow(move: PointerInput): void {
    this.#sentInFrame.add(move.pointerId);
    this.#send(move);
    if (this.#frameAsked) return;
    this.#frameAsked = true;
    this.#requestFrame(() => this.#frame());
  }

  #frame(): void {
    this.#frameAsked = false;
    this.#sentInFrame.clear();
    const moves = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const move of moves) this.#sendNow(move);
  }
}
