import { DOMRect, type Element } from "happy-dom";
import type { Size } from "./layout.ts";

type BoxSize = { readonly inlineSize: number; readonly blockSize: number };
type Entry = {
  readonly target: Element;
  readonly contentRect: DOMRect;
  readonly contentBoxSize: readonly BoxSize[];
  readonly borderBoxSize: readonly BoxSize[];
  readonly devicePixelContentBoxSize: readonly BoxSize[];
};
type Callback = (entries: readonly Entry[], observer: unknown) => void;

/** All of a page's resize observers: whoever changes the layout calls `deliver()` afterwards. */
export class ResizeObservation {
  readonly #observers = new Set<() => void>();
  readonly #sizeOf: (element: Element) => Size;
  readonly #devicePixelRatio: () => number;

  constructor(sizeOf: (element: Element) => Size, devicePixelRatio: () => number) {
    this.#sizeOf = sizeOf;
    this.#devicePixelRatio = devicePixelRatio;
  }

  get isIdle(): boolean {
    return this.#observers.size === 0;
  }

  /** Calls back each observer for which an element has another size than it last heard of. */
  deliver(): void {
    for (const check of Array.from(this.#observers)) check();
  }

  /** The page's `ResizeObserver` class. */
  createClass(): new (callback: Callback) => object {
    const observers = this.#observers;
    const entryFor = (target: Element): Entry => this.#entry(target);
    return class ResizeObserver {
      readonly #callback: Callback;
      readonly #heard = new Map<Element, string>();
      readonly #check = (): void => {
        const entries: Entry[] = [];
        for (const [target, heard] of this.#heard) {
          const entry = entryFor(target);
          const size = `${entry.contentRect.width}x${entry.contentRect.height}`;
          if (size === heard) continue;
          this.#heard.set(target, size);
          entries.push(entry);
        }
        if (entries.length > 0) this.#callback(entries, this);
      };

      constructor(callback: Callback) {
        this.#callback = callback;
      }

      observe(target: Element): void {
        this.#heard.set(target, "");
        observers.add(this.#check);
        queueMicrotask(this.#check);
      }

      unobserve(target: Element): void {
        this.#heard.delete(target);
        if (this.#heard.size === 0) observers.delete(this.#check);
      }

      disconnect(): void {
        this.#heard.clear();
        observers.delete(this.#check);
      }
    };
  }

  #entry(target: Element): Entry {
    const { width, height } = this.#sizeOf(target);
    const ratio = this.#devicePixelRatio();
    const box = [{ inlineSize: width, blockSize: height }];
    const deviceBox = [
      { inlineSize: Math.round(width * ratio), blockSize: Math.round(height * ratio) },
    ];
    return {
      target,
      contentRect: new DOMRect(0, 0, width, height),
      contentBoxSize: box,
      borderBoxSize: box,
      devicePixelContentBoxSize: deviceBox,
    };
  }
}
