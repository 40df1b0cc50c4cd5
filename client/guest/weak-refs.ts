/** So many may be gone before they are looked for. */
const FEWEST_BETWEEN = 64;

/** Objects that are held weakly. References to what was collected are dropped before they are more than the others. */
export class WeakRefs<T extends object> {
  readonly #refs = new Set<WeakRef<T>>();
  #sweepAt = FEWEST_BETWEEN;

  /** Also those to what was collected since they were last looked for. */
  get size(): number {
    return this.#refs.size;
  }

  add(ref: WeakRef<T>): void {
    if (this.#refs.size >= this.#sweepAt) this.#sweep();
    this.#refs.add(ref);
  }

  delete(ref: WeakRef<T>): void {
    this.#refs.delete(ref);
  }

  /** Those that are alive; one may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (const ref of this.#refs) {
      const object = ref.deref();
      if (object !== undefined) yield object;
    }
  }

  #sweep(): void {
    for (const ref of this.#refs) if (ref.deref() === undefined) this.#refs.delete(ref);
    this.#sweepAt = Math.max(FEWEST_BETWEEN, 2 * this.#refs.size);
  }
}
