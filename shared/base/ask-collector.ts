/** Over what V8 lets external memory grow before it starts a collection of the old generation. */
const ENOUGH_BYTES = 96 * 1024 * 1024;

/** Gets V8 to collect beside the program, for what it can't see: what stands behind objects of a few words. */
export function askCollector(): void {
  // Zeroed by the system when touched, which it never is: this costs an allocation's bookkeeping.
  void new ArrayBuffer(ENOUGH_BYTES);
}
