/** Milliseconds for which a surface keeps the picture after its last frame, against surfaces that are older. */
export const KEEP_TOP_MS = 500;

type Layer = { presentedAt: number };

/**
 * Which of a session's surfaces is shown. The last to present is; but two programs that both draw would flicker, so a
 * surface comes up with its first frame, and again once the one on top has come to rest.
 */
export class LayerStack<Surface> {
  /** In the order of their last rise. */
  readonly #layers = new Map<Surface, Layer>();

  get top(): Surface | undefined {
    return [...this.#layers.keys()].at(-1);
  }

  /** A surface presented at this time (milliseconds, monotonic). Returns whether it is shown. */
  present(surface: Surface, now: number): boolean {
    const layer = this.#layers.get(surface);
    if (layer === undefined) {
      this.#layers.set(surface, { presentedAt: now });
      return true;
    }
    layer.presentedAt = now;
    const top = this.top;
    if (top === surface) return true;
    if (top !== undefined && now - this.#layers.get(top)!.presentedAt <= KEEP_TOP_MS) return false;
    this.#layers.delete(surface);
    this.#layers.set(surface, layer);
    return true;
  }

  /** The surface is gone. */
  release(surface: Surface): void {
    this.#layers.delete(surface);
  }
}
