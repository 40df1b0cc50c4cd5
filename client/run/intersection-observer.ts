import { DOMRect, type Element } from "happy-dom";
import type { Size } from "./layout.ts";

type Entry = {
  readonly target: Element;
  readonly isIntersecting: boolean;
  readonly intersectionRatio: 0 | 1;
  readonly boundingClientRect: DOMRect;
  readonly intersectionRect: DOMRect;
  readonly rootBounds: null;
  /** Milliseconds. */
  readonly time: number;
};
type Callback = (entries: readonly Entry[], observer: unknown) => void;

/**
 * The page's `IntersectionObserver` class, https://w3c.github.io/IntersectionObserver/. Nothing scrolls here: an element
 * that is in the document and has a size is seen whole. An observer tells so once for each element, when it is observed.
 */
export function createIntersectionObserverClass(
  sizeOf: (element: Element) => Size,
): new (callback: Callback) => object {
  return class IntersectionObserver {
    readonly root = null;
    readonly rootMargin = "0px 0px 0px 0px";
    readonly thresholds = [0];
    readonly #callback: Callback;
    readonly #targets = new Set<Element>();
    #queue: Entry[] = [];

    constructor(callback: Callback) {
      if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
      this.#callback = callback;
    }

    observe(target: Element): void {
      if (this.#targets.has(target)) return;
      this.#targets.add(target);
      // As a browser does: after the task, when the page is laid out.
      setImmediate(() => this.#look(target));
    }

    unobserve(target: Element): void {
      this.#targets.delete(target);
    }

    disconnect(): void {
      this.#targets.clear();
      this.#queue = [];
    }

    takeRecords(): Entry[] {
      return this.#queue.splice(0);
    }

    #look(target: Element): void {
      if (!this.#targets.has(target)) return;
      if (this.#queue.push(entryOf(target, sizeOf(target))) > 1) return;
      queueMicrotask(() => {
        const entries = this.takeRecords();
        if (entries.length > 0) this.#callback(entries, this);
      });
    }
  };
}

function entryOf(target: Element, { width, height }: Size): Entry {
  const isIntersecting = target.isConnected && width > 0 && height > 0;
  const rectangle = new DOMRect(0, 0, width, height);
  return {
    target,
    isIntersecting,
    intersectionRatio: isIntersecting ? 1 : 0,
    boundingClientRect: rectangle,
    intersectionRect: isIntersecting ? rectangle : new DOMRect(0, 0, 0, 0),
    rootBounds: null,
    time: performance.now(),
  };
}
