import type { ResizeInput } from "#shared/input/events.ts";

type Viewer = { readonly control: boolean; wish: ResizeInput | undefined };

/** Who watches a session, and whose window decides its size: of those in control, the last to act. */
export class Viewers {
  readonly #viewers = new Map<string, Viewer>();
  #controller: string | undefined;

  get count(): number {
    return this.#viewers.size;
  }

  /** The size that the deciding viewer wants. */
  get wish(): ResizeInput | undefined {
    return this.#controller === undefined ? undefined : this.#viewers.get(this.#controller)?.wish;
  }

  add(id: string, control: boolean): void {
    this.#viewers.set(id, { control, wish: undefined });
    if (control) this.#controller = id;
  }

  /** Of those in control that are left, the newest decides. */
  remove(id: string): void {
    this.#viewers.delete(id);
    if (this.#controller !== id) return;
    this.#controller = [...this.#viewers].findLast(([, viewer]) => viewer.control)?.[0];
  }

  /** True when the deciding wish changed. */
  resized(id: string, wish: ResizeInput): boolean {
    const viewer = this.#viewers.get(id);
    if (viewer?.control !== true) return false;
    viewer.wish = wish;
    return this.#controller === id;
  }

  /** The viewer pressed something. True when the decision passed to it and it wants a size. */
  acted(id: string): boolean {
    const viewer = this.#viewers.get(id);
    if (viewer?.control !== true || this.#controller === id) return false;
    this.#controller = id;
    return viewer.wish !== undefined;
  }
}
