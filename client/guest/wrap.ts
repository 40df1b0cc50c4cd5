import type { WireObject } from "./records.ts";

type SlotClass<R> = new (wrapper: object, record: R) => object;

/**
 * Makes the object that the program gets for a record: of the class whose prototype this is, and
 * with the record in its private slot. A class's own constructor is for programs, and throws.
 */
export function wrap<T extends object, R>(prototype: T, slot: SlotClass<R>, record: R): T {
  const wrapper = Object.create(prototype) as T;
  void new slot(wrapper, record);
  return wrapper;
}

/** wrap(), for a record with a handle of its own: it is released when the program has let go of it. */
export function wrapTracked<T extends object, R extends WireObject>(
  prototype: T,
  slot: SlotClass<R>,
  record: R,
): T {
  return wrap(prototype, slot, record.stream.track(record));
}
