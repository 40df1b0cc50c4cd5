import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Command } from "./commands.ts";
import type { Enum } from "./model.ts";
import { describeType, type Field, type Union, type WireDictionary } from "./wire.ts";

// The append-only file of numbers. What is in it never changes: a guest built years ago speaks by it.

const NUMBERS = z.record(z.string(), z.number().int().min(0));
type Numbers = Readonly<z.infer<typeof NUMBERS>>;

/** How a list of fields lies on the wire: required ones in order, optional ones by bit. */
const LAYOUT = z.object({
  required: z.array(z.string()).readonly(),
  /** Absent in a command that had no optional argument when it got its opcode: it has no mask. */
  optional: NUMBERS.optional(),
});
export type Layout = Readonly<z.infer<typeof LAYOUT>>;

export const LOCK = z.object({
  major: z.number().int(),
  minor: z.number().int(),
  /**
   * Paths such as "enums.GPULoadOp.load" that the model no longer has; their numbers stay taken. A stream that has one is
   * no longer understood, so that they begin with the second major version.
   */
  retired: z.array(z.string()).readonly(),
  kinds: NUMBERS,
  enums: z.record(z.string(), NUMBERS),
  unions: z.record(z.string(), NUMBERS),
  dictionaries: z.record(z.string(), LAYOUT),
  opcodes: NUMBERS,
  arguments: z.record(z.string(), LAYOUT),
  replies: NUMBERS,
});
export type Lock = Readonly<z.infer<typeof LOCK>>;

/** What needs numbers. */
export type Numbered = {
  readonly objects: readonly string[];
  readonly enums: readonly Enum[];
  readonly unions: readonly Union[];
  readonly dictionaries: readonly WireDictionary[];
  readonly commands: readonly Command[];
  readonly replies: readonly string[];
};

export const EMPTY_LOCK: Lock = {
  major: 1,
  minor: 0,
  retired: [],
  kinds: {},
  enums: {},
  unions: {},
  dictionaries: {},
  opcodes: {},
  arguments: {},
  replies: {},
};

/** Nothing of the first major version is retired in it: an older guest's stream, and a recording of it, play on. */
const FIRST_MAJOR = 1;

/**
 * Keeps every number of `lock` and appends what is new; throws where that cannot be. What grew is a minor version more, by
 * which an older reader of a recording tells that it has what it does not know.
 */
export function extendLock(lock: Lock, numbered: Numbered): Lock {
  const extender = new Extender(lock);
  const extended: Lock = {
    major: lock.major,
    minor: lock.minor,
    retired: lock.retired,
    // 0 is no kind of object, no command and no reply, so that zeroed bytes mean nothing.
    kinds: extender.numbers("kinds", lock.kinds, numbered.objects, 1),
    enums: extender.each("enums", lock.enums, numbered.enums, (path, old, { values }) =>
      extender.numbers(path, old ?? {}, values, 0),
    ),
    unions: extender.each("unions", lock.unions, numbered.unions, (path, old, { members }) =>
      extender.numbers(path, old ?? {}, members.map(describeType), 0),
    ),
    dictionaries: extender.each(
      "dictionaries",
      lock.dictionaries,
      numbered.dictionaries,
      (path, old, { fields }) => extender.layout(path, old, fields, true),
    ),
    opcodes: extender.numbers(
      "opcodes",
      lock.opcodes,
      numbered.commands.map(({ name }) => name),
      1,
    ),
    arguments: extender.each(
      "arguments",
      lock.arguments,
      numbered.commands,
      (path, old, { fields }) => extender.layout(path, old, fields, false),
    ),
    replies: extender.numbers("replies", lock.replies, numbered.replies, 1),
  };
  extender.checkRetired();
  const isFirst = Object.keys(lock.opcodes).length === 0;
  if (isFirst || isDeepStrictEqual(extended, lock)) return extended;
  return { ...extended, minor: lock.minor + 1 };
}

/** The text of a field in a layout. A field that changes its type is another field. */
export function fieldKey({ name, type }: Field): string {
  return `${name}: ${describeType(type)}`;
}

class Extender {
  readonly #retired: ReadonlySet<string>;
  readonly #unusedRetired: Set<string>;

  constructor({ major, retired }: Lock) {
    if (major === FIRST_MAJOR && retired.length > 0) {
      throw new Error(
        `The lock file retires ${retired.join(", ")}: a stream that has it would not be understood any more, which needs a new major version.`,
      );
    }
    this.#retired = new Set(retired);
    this.#unusedRetired = new Set(retired);
  }

  numbers(path: string, old: Numbers, names: readonly string[], first: number): Numbers {
    this.#checkGone(path, Object.keys(old), names);
    let next = Math.max(first - 1, ...Object.values(old)) + 1;
    const numbers: Record<string, number> = { ...old };
    for (const name of names) numbers[name] ??= next++;
    return numbers;
  }

  each<T extends { readonly name: string }, L>(
    path: string,
    old: Readonly<Record<string, L>>,
    items: readonly T[],
    extend: (path: string, old: L | undefined, item: T) => L,
  ): Readonly<Record<string, L>> {
    this.#checkGone(
      path,
      Object.keys(old),
      items.map(({ name }) => name),
    );
    const result: Record<string, L> = { ...old };
    for (const item of items) {
      result[item.name] = extend(`${path}.${item.name}`, old[item.name], item);
    }
    return result;
  }

  layout(
    path: string,
    old: Layout | undefined,
    fields: readonly Field[],
    alwaysMasked: boolean,
  ): Layout {
    const required = fields.filter(({ optional }) => !optional).map(fieldKey);
    const optional = fields.filter((field) => field.optional).map(fieldKey);
    const masked = old === undefined ? alwaysMasked || optional.length > 0 : "optional" in old;
    if (old !== undefined && required.join() !== old.required.join()) {
      throw new Error(
        `The required fields of ${path} are (${required.join(", ")}) and were (${old.required.join(", ")}): that needs another name or a new major version.`,
      );
    }
    if (!masked && optional.length > 0) {
      throw new Error(
        `${path} got its first optional field (${optional.join(", ")}) and has no mask: that needs another command.`,
      );
    }
    if (!masked) return { required };
    const bits = this.numbers(path, old?.optional ?? {}, optional, 0);
    if (Object.keys(bits).length > 31) throw new Error(`The mask of ${path} is over 31 bits.`);
    return { required, optional: bits };
  }

  checkRetired(): void {
    for (const path of this.#unusedRetired) {
      throw new Error(`The lock file retires ${path}, which is not both locked and gone.`);
    }
  }

  #checkGone(path: string, locked: readonly string[], names: readonly string[]): void {
    for (const name of locked) {
      const full = `${path}.${name}`;
      if (names.includes(name)) continue;
      if (!this.#retired.has(full)) {
        throw new Error(
          `${full} is in the lock file and gone from the model: list it under "retired" if that is meant.`,
        );
      }
      this.#unusedRetired.delete(full);
    }
  }
}
