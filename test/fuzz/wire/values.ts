import * as fc from "fast-check";
import type { Context } from "#codegen/context.ts";
import type { Field, WireType } from "#codegen/wire.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { arbitraryOf, type Values } from "#test/unit/wire/arbitraries.ts";
import type { Random } from "../random.ts";
import type { Handles, Kind } from "./handles.ts";
import { plausibleEnum, plausibleNumber, plausibleText } from "./plausible.ts";

/** How often a number, text or enum is any that its type has, in place of one that a program would write. */
const WILD = 0.03;
const WILD_SAMPLES = 64;
const LONGEST_DATA = 4096;

const LEAVES = [
  "boolean",
  "u16",
  "u32",
  "u64",
  "i32",
  "float",
  "double",
  "string",
  "label",
] as const;

type Bare = { readonly kind: string; readonly name?: string };

/** Values of all types of the wire's description, made with the property tests' own arbitraries where they are wild. */
export class WireValues {
  readonly #context: Context;
  readonly #wild = new Map<string, readonly unknown[]>();
  readonly #fields: ReadonlyMap<string, readonly Field[]>;

  constructor(context: Context) {
    this.#context = context;
    this.#fields = new Map(context.dictionaries.map(({ name, fields }) => [name, fields]));
    for (const kind of LEAVES) {
      const arbitrary = arbitraryOf({ kind, nullable: false }, context);
      this.#wild.set(kind, fc.sample(arbitrary, { numRuns: WILD_SAMPLES, seed: 1 }));
    }
  }

  /** All fields that are required, some that are not, and `given` in any case. */
  fields(
    fields: readonly Field[],
    given: Values,
    owner: string,
    random: Random,
    handles: Handles,
  ): Values {
    const values: Record<string, unknown> = {};
    for (const { name, type, optional } of fields) {
      if (name in given) {
        if (given[name] !== undefined) values[name] = given[name];
      } else if (!optional || random.chance(0.25)) {
        values[name] = this.#value(type, name, owner, random, handles);
      }
    }
    return values;
  }

  #value(type: WireType, name: string, owner: string, random: Random, handles: Handles): unknown {
    if (type.nullable && random.chance(0.1)) return null;
    const wild = random.chance(WILD) ? this.#wild.get(type.kind) : undefined;
    if (wild !== undefined) return random.pick(wild);
    const inner = (of: WireType): unknown => this.#value(of, name, owner, random, handles);
    switch (type.kind) {
      case "boolean":
        return random.chance(0.5);
      case "u16":
      case "u32":
      case "u64":
      case "i32":
        return plausibleNumber(random, name, owner);
      case "float":
      case "double":
        return random.pick([0, 0, 1, 0.5, 16, -1]);
      case "label":
        return random.pick(["", "", "label", "höß"]);
      case "string":
        return plausibleText(random, name);
      case "enum": {
        const { values } = this.#context.model.enums.get(type.name)!;
        return plausibleEnum(random, type.name) ?? random.pick(values);
      }
      case "object":
        return reference(type, handles);
      case "handle":
        return handles.make(asKind(type.name));
      case "dictionary":
        return this.fields(this.#fields.get(type.name)!, {}, type.name, random, handles);
      case "sequence":
        // Features that the adapter does not have only make the device fail.
        if (name === "requiredFeatures" && random.chance(0.95)) return [];
        return Array.from({ length: random.pick([0, 1, 1, 2]) }, () => inner(type.of));
      case "record": {
        const count = random.pick([0, 0, 0, 1]);
        return Object.fromEntries(
          Array.from({ length: count }, () => [plausibleText(random, "key"), inner(type.of)]),
        );
      }
      case "union": {
        // An object that there is none of ends the stream.
        const usable = type.of.filter(
          (each) => each.kind !== "object" || handles.has(asKind(each.name)),
        );
        return inner(random.pick(usable.length > 0 ? usable : type.of));
      }
      case "bytes":
        return random.bytes(Math.min(LONGEST_DATA, plausibleNumber(random, "size", owner)));
      case "offsets":
        return Array.from({ length: random.pick([0, 0, 0, 1, 2]) }, () => random.pick([0, 256]));
      default:
        throw new Error(`No value of ${JSON.stringify(type)} is known.`);
    }
  }
}

function reference({ name = "" }: Bare, handles: Handles): object {
  const kind = asKind(name);
  return { kind: ObjectKind[kind], id: handles.any(kind).id };
}

export function asKind(name: string): Kind {
  if (!isKind(name)) throw new Error(`${name} is no kind of object.`);
  return name;
}

function isKind(name: string): name is Kind {
  return name in ObjectKind;
}
