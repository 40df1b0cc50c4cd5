import { FramePacer } from "./frame-pacer.ts";

/** Milliseconds that a timer may fire early: Node cuts delays to whole milliseconds. */
const TIMER_RESOLUTION_MS = 1;

/** Grants ticks to one program in real time. Owns a timer: whoever makes one closes it. */
export class TickSource implements Disposable {
  readonly #pacer: FramePacer;
  readonly #grant: (tick: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  #closed = false;

  constructor(interval: number, grant: (tick: number) => void) {
    this.#pacer = new FramePacer(interval);
    this.#grant = grant;
  }

  setAnimating(animating: boolean): void {
    this.#pacer.animating = animating;
    this.#run();
  }

  setInterval(interval: number): void {
    this.#pacer.setInterval(interval, performance.now());
    this.#run();
  }

  /** No tick is granted while paused; what was granted may finish. */
  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#run();
  }

  setRoundTrip(milliseconds: number): void {
    this.#pacer.roundTrip = milliseconds;
    this.#run();
  }

  /** False: the program ended a frame that it was not granted. */
  finish(tick: number): boolean {
    const known = this.#pacer.finish(tick);
    if (known) this.#run();
    return known;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #run(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#closed && !this.#paused) {
      const now = performance.now();
      const step = this.#pacer.step(now);
      if (step.kind === "idle") return;
      if (step.kind === "wait") {
        const delay = Math.max(step.until - now, TIMER_RESOLUTION_MS);
        this.#timer = setTimeout(() => this.#run(), delay);
        return;
      }
      this.#grant(step.tick);
    }
  }
}
