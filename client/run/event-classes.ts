import { EventTarget as ElementTarget, type GlobalWindow } from "happy-dom";

type Class = abstract new (...args: never[]) => object;

/**
 * Makes `instanceof EventTarget` and `instanceof Event` hold for all that a page's program meets: happy-dom's
 * elements are no instances of their window's own EventTarget, and GPUDevice and its errors are made of Node's
 * classes, which stand here for as long as the page's own are not global.
 */
export function installEventClasses(window: GlobalWindow): void {
  alsoHasInstances(window.EventTarget, [ElementTarget, globalThis.EventTarget]);
  alsoHasInstances(window.Event, [globalThis.Event]);
}

function alsoHasInstances(page: Class, others: readonly Class[]): void {
  Object.defineProperty(page, Symbol.hasInstance, {
    configurable: true,
    // Subclasses inherit it, and have no other instances than their own.
    value(this: unknown, value: unknown): boolean {
      if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
      return this === page && others.some((other) => value instanceof other);
    },
  });
}
