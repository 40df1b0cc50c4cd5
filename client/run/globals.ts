import type { GlobalWindow } from "happy-dom";

/** What Node has under the same name, and of which the page's own must be used with the page's elements. */
const REPLACED = new Set(["Event", "CustomEvent", "EventTarget", "Navigator", "navigator"]);

/** Names by which a page reaches its own global object. */
const SELF_NAMES = ["window", "self", "top", "parent", "frames"];

/**
 * Makes the window's properties global, as they are in a page, and leaves alone what Node has itself
 * (timers, URL, Blob, AbortSignal, …). `window` is then the global object: a property set on one is
 * seen on the other.
 */
export function installWindowGlobals(window: GlobalWindow): void {
  for (const name of propertyNames(window)) {
    if (name in globalThis && !REPLACED.has(name)) continue;
    if (SELF_NAMES.includes(name)) continue;
    Object.defineProperty(globalThis, name, forward(window, name));
  }
  for (const name of SELF_NAMES) {
    Object.defineProperty(globalThis, name, {
      value: globalThis,
      configurable: true,
      writable: true,
    });
  }
}

function propertyNames(window: GlobalWindow): Set<string> {
  const names = new Set<string>();
  let at: object | null = window;
  while (at !== null && at !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    at = Reflect.getPrototypeOf(at);
  }
  names.delete("constructor");
  return names;
}

function forward(window: GlobalWindow, name: string): PropertyDescriptor {
  const value: unknown = Reflect.get(window, name);
  if (typeof value === "function") {
    // Classes begin with a capital; anything else is a method of the window.
    const isClass = /^[A-Z]/.test(name);
    const method: unknown = isClass ? value : value.bind(window);
    return { value: method, configurable: true, writable: true };
  }
  return {
    configurable: true,
    enumerable: true,
    get: () => Reflect.get(window, name) as unknown,
    set: (next: unknown) => void Reflect.set(window, name, next),
  };
}
