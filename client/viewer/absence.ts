/** Long enough to look something up in another tab. */
export const LEAVES_AFTER_MS = 30_000;

export type AbsenceEvents = {
  /** Nobody has looked at the page for a while. */
  readonly left: () => void;
  /** Somebody looks at it; `away` is whether it had left. */
  readonly back: (away: boolean) => void;
};

/** Tells when a page that is hidden is worth no more frames, and when they are wanted again. */
export class Absence {
  readonly #events: AbsenceEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAway = false;

  constructor(events: AbsenceEvents) {
    this.#events = events;
  }

  /** Told on each change of the page's visibility. */
  show(isVisible: boolean): void {
    clearTimeout(this.#timer);
    if (isVisible) {
      const away = this.#isAway;
      this.#isAway = false;
      this.#events.back(away);
    } else if (!this.#isAway) {
      this.#timer = setTimeout(() => {
        this.#isAway = true;
        this.#events.left();
      }, LEAVES_AFTER_MS);
    }
  }
}
