import { askCollector } from "#shared/base/ask-collector.ts";

/** Handles that programs give up before V8 is asked to look for what was behind them. */
const RELEASED_BETWEEN = 16_384;
/** The same of programs that rest: fewer are not worth a look. */
const RELEASED_AT_REST = 1024;

/**
 * Gets V8 to collect what Dawn's binding keeps for a released handle: memory that V8 knows nothing of, behind an
 * object of a few words. 200,000 objects of a frame left 80 MB otherwise, until V8 had a reason of its own.
 */
export class CollectorNudge {
  readonly #collect: () => void;
  /** Of the last look. */
  #seen = 0;
  #collectedAt = 0;

  constructor(collect: () => void = askCollector) {
    this.#collect = collect;
  }

  /** Looks, about once a second; `released` counts the handles that were ever given up. */
  look(released: number): void {
    const isResting = released === this.#seen;
    this.#seen = released;
    const since = released - this.#collectedAt;
    if (since < (isResting ? RELEASED_AT_REST : RELEASED_BETWEEN)) return;
    this.#collectedAt = released;
    this.#collect();
  }
}
