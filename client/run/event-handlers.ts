import { EventTarget } from "happy-dom";

type Handler = (this: unknown, event: unknown) => unknown;
type Listeners = Pick<EventTarget, "addEventListener">;

/** Gives a class event handler attributes, such as `onload`: https://html.spec.whatwg.org/#event-handlers. */
export function defineHandlers(prototype: Listeners, types: readonly string[]): void {
  for (const type of types) {
    const handlers = new WeakMap<object, Handler | null>();
    Object.defineProperty(prototype, `on${type}`, {
      configurable: true,
      enumerable: true,
      get(this: Listeners) {
        return handlers.get(this) ?? null;
      },
      set(this: Listeners, value: unknown) {
        const isFirst = !handlers.has(this);
        handlers.set(this, isHandler(value) ? value : null);
        if (!isFirst) return;
        this.addEventListener(type, (event) => handlers.get(this)?.call(this, event));
      },
    });
  }
}

/** Makes happy-dom call a handler that was set as a property with its element as `this`. */
export function bindHandlers(prototype: object): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (!name.startsWith("on") || descriptor.set === undefined) continue;
    const handlers = new WeakMap<object, { readonly given: Handler; readonly bound: unknown }>();
    Object.defineProperty(prototype, name, {
      ...descriptor,
      get(this: object) {
        const current: unknown = descriptor.get?.call(this);
        const handler = handlers.get(this);
        return handler !== undefined && handler.bound === current ? handler.given : current;
      },
      set(this: object, value: unknown) {
        const bound: unknown = isHandler(value) ? value.bind(this) : value;
        if (isHandler(value)) handlers.set(this, { given: value, bound });
        descriptor.set?.call(this, bound);
      },
    });
  }
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}
