import { illegalConstructor, requireArguments, toDOMString } from "./webidl.ts";

type Constructor = { readonly prototype: object; readonly name: string };

/** Only this library has it: what lets it construct what programs may not. */
const CONSTRUCT: unique symbol = Symbol("construct");
export type ConstructKey = typeof CONSTRUCT;
export const constructKey: ConstructKey = CONSTRUCT;

export function requireConstructKey(key: unknown): asserts key is ConstructKey {
  if (key !== CONSTRUCT) throw illegalConstructor();
}

/**
 * Gives a class the shape of a WebIDL interface: members enumerable (a class hides them),
 * Symbol.toStringTag, and the length of its constructor.
 */
export function defineInterface(constructor: Constructor, constructorLength = 0): void {
  const { prototype, name } = constructor;
  for (const key of Reflect.ownKeys(prototype)) {
    if (key === "constructor" || typeof key === "symbol") continue;
    Object.defineProperty(prototype, key, { enumerable: true });
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  Object.defineProperty(constructor, "length", { value: constructorLength, configurable: true });
}

/** Gives a class the members of `readonly setlike<DOMString>`. */
export function defineSetlike(
  prototype: object,
  valuesOf: (setlike: unknown) => ReadonlySet<string>,
): void {
  const values = function values(this: unknown): SetIterator<string> {
    return valuesOf(this).values();
  };
  const members = {
    values,
    get size(): number {
      return valuesOf(this).size;
    },
    has(value: unknown): boolean {
      const set = valuesOf(this);
      requireArguments(arguments.length, 1, "has");
      return set.has(toDOMString(value));
    },
    entries(): SetIterator<[string, string]> {
      return valuesOf(this).entries();
    },
    forEach(callback: unknown, thisArgument: unknown = undefined): undefined {
      const set = valuesOf(this);
      if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
      for (const value of set) Reflect.apply(callback, thisArgument, [value, value, this]);
    },
  };
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(members));
  // Values, keys and the iterator are one function.
  const method = { value: values, writable: true, configurable: true };
  Object.defineProperty(prototype, "keys", { ...method, enumerable: true });
  Object.defineProperty(prototype, Symbol.iterator, { ...method, enumerable: false });
}
