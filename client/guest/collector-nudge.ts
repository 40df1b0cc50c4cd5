/** Objects that may be made without one being collected before the collector is asked to look. */
const OBJECTS_BETWEEN = 8192;
/** Over what V8 lets external memory grow before it starts a collection of the old generation. */
const NUDGE_BYTES = 96 * 1024 * 1024;

/**
 * Gets the engine to collect. Records are small, so an engine sees no reason to look for dead ones
 * while the textures and handles behind them run out at the worker; memory that it counts is one.
 */
export class CollectorNudge {
  #made = 0;

  made(): void {
    if (++this.#made < OBJECTS_BETWEEN) return;
    this.#made = 0;
    // Zeroed by the system when touched, which it never is: this costs an allocation's bookkeeping.
    void new ArrayBuffer(NUDGE_BYTES);
  }

  /** One was released without the collector. */
  released(): void {
    this.#made--;
  }

  collected(): void {
    this.#made = 0;
  }
}
