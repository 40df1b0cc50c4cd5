import {
  type ConstructKey,
  defineInterface,
  defineSetlike,
  requireConstructKey,
} from "./interface.ts";

// The members of the two setlikes are defined below the classes, by defineSetlike.

export class GPUSupportedFeatures {
  readonly #values: ReadonlySet<string>;
  declare readonly size: number;
  declare readonly has: ReadonlySet<string>["has"];
  declare readonly entries: ReadonlySet<string>["entries"];
  declare readonly keys: ReadonlySet<string>["keys"];
  declare readonly values: ReadonlySet<string>["values"];
  declare readonly forEach: ReadonlySet<string>["forEach"];
  declare readonly [Symbol.iterator]: ReadonlySet<string>["values"];
  declare readonly __brand: "GPUSupportedFeatures";

  constructor(key: ConstructKey, values: ReadonlySet<string>) {
    requireConstructKey(key);
    this.#values = values;
  }

  static {
    defineInterface(this);
    defineSetlike(this.prototype, (setlike) => (setlike as GPUSupportedFeatures).#values);
  }
}

export class WGSLLanguageFeatures {
  readonly #values: ReadonlySet<string>;
  declare readonly size: number;
  declare readonly has: ReadonlySet<string>["has"];
  declare readonly entries: ReadonlySet<string>["entries"];
  declare readonly keys: ReadonlySet<string>["keys"];
  declare readonly values: ReadonlySet<string>["values"];
  declare readonly forEach: ReadonlySet<string>["forEach"];
  declare readonly [Symbol.iterator]: ReadonlySet<string>["values"];
  declare readonly __brand: "WGSLLanguageFeatures";

  /** `values` fills when the worker has answered: the same object from the start. */
  constructor(key: ConstructKey, values: ReadonlySet<string>) {
    requireConstructKey(key);
    this.#values = values;
  }

  static {
    defineInterface(this);
    defineSetlike(this.prototype, (setlike) => (setlike as WGSLLanguageFeatures).#values);
  }
}
