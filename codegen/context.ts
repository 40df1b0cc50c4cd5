import { checkExceptions } from "./check-exceptions.ts";
import { buildCommands, type Command } from "./commands.ts";
import { ABSENT_ENUMS, REPLIES } from "./exceptions.ts";
import { extendLock, fieldKey, type Layout, type Lock } from "./lock.ts";
import type { Enum, Model } from "./model.ts";
import {
  unionsOf,
  wireDictionaries,
  wireObjects,
  type Field,
  type Union,
  type WireDictionary,
  type WireType,
} from "./wire.ts";

/** All that a generator needs: the specification's model, what of it travels, and the numbers. */
export type Context = {
  readonly model: Model;
  readonly objects: readonly string[];
  readonly enums: readonly Enum[];
  readonly unions: readonly Union[];
  readonly dictionaries: readonly WireDictionary[];
  readonly commands: readonly Command[];
  readonly lock: Lock;
  /** Dictionaries and unions that hold objects, and so are generic over what an object is. */
  readonly holdsObjects: (type: WireType) => boolean;
};

export type GeneratedFile = { readonly path: string; readonly text: string };

export type Generator = (context: Context) => readonly GeneratedFile[];

export function buildContext(model: Model, lock: Lock): Context {
  checkExceptions(model);
  const objects = wireObjects(model);
  const dictionaries = wireDictionaries(model);
  const commands = buildCommands(model, objects);
  const unions = unionsOf([...dictionaries, ...commands]);
  const enums = [...model.enums.values()].filter(({ name }) => !ABSENT_ENUMS.has(name));
  const extended = extendLock(lock, {
    objects,
    enums,
    unions,
    dictionaries,
    commands,
    replies: REPLIES,
  });
  return {
    model,
    objects,
    enums,
    unions,
    dictionaries,
    commands,
    lock: extended,
    holdsObjects: findObjects(dictionaries),
  };
}

function findObjects(dictionaries: readonly WireDictionary[]): (type: WireType) => boolean {
  const byName = new Map(dictionaries.map((each) => [each.name, each]));
  const known = new Map<string, boolean>();
  const holds = (type: WireType): boolean => {
    if (type.kind === "object") return true;
    if (type.kind === "sequence" || type.kind === "record") return holds(type.of);
    if (type.kind === "union") return type.of.some(holds);
    if (type.kind !== "dictionary") return false;
    let result = known.get(type.name);
    if (result === undefined) {
      result = byName.get(type.name)?.fields.some((field) => holds(field.type)) ?? false;
      known.set(type.name, result);
    }
    return result;
  };
  return holds;
}

/** Fields in the order of the wire: required ones, then optional ones with their bits. */
export type OrderedFields = {
  readonly masked: boolean;
  /** All bits that the mask may have. */
  readonly known: number;
  readonly fields: readonly (Field & { readonly bit: number | undefined })[];
};

export function orderFields(fields: readonly Field[], layout: Layout): OrderedFields {
  const bits = layout.optional ?? {};
  const ordered = fields.map((field) => ({
    ...field,
    bit: field.optional ? bits[fieldKey(field)]! : undefined,
  }));
  ordered.sort((a, b) => (a.bit ?? -1) - (b.bit ?? -1));
  return {
    masked: layout.optional !== undefined,
    known: ordered.reduce((mask, { bit }) => (bit === undefined ? mask : mask | (1 << bit)), 0),
    fields: ordered,
  };
}

/** Numbers of one enum or union, without those that are retired. */
export function numbersOf(
  numbers: Readonly<Record<string, number>> | undefined,
  name: string,
): number {
  const number = numbers?.[name];
  if (number === undefined) throw new Error(`${name} has no number.`);
  return number;
}
