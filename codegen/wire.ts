import { assertNever } from "#shared/base/assert.ts";
import {
  ABSENT_DICTIONARIES,
  ABSENT_OBJECTS,
  DERIVED_DICTIONARIES,
  EXTRA_OBJECTS,
  OWN_DICTIONARIES,
} from "./exceptions.ts";
import type { Default, Dictionary, Member, Model, Type } from "./model.ts";
import { nameOf } from "./types.ts";

// What travels: the model's types lowered to what the encoding knows. One value has one encoding,
// so the forms that WebIDL lets a program choose between are gone.

export type WireType = WireShape & { readonly nullable: boolean };

type WireShape =
  | { readonly kind: "u16" | "u32" | "u64" | "i32" | "float" | "double" | "boolean" | "string" }
  /** A string for people, cut short by the encoder. */
  | { readonly kind: "label" }
  | { readonly kind: "enum" | "object" | "dictionary"; readonly name: string }
  /** Names the object that the command creates. */
  | { readonly kind: "handle"; readonly name: string }
  | { readonly kind: "sequence" | "record"; readonly of: WireType }
  | { readonly kind: "union"; readonly name: string; readonly of: readonly WireType[] }
  /** Bulk data: inline or staged. */
  | { readonly kind: "bytes" }
  /** Dynamic offsets: a list of u32 that is read into an array used again by the next command. */
  | { readonly kind: "offsets" };

/** A member of a dictionary or an argument of a command. */
export type Field = {
  readonly name: string;
  readonly type: WireType;
  readonly optional: boolean;
  readonly default: Default | undefined;
};

export type WireDictionary = { readonly name: string; readonly fields: readonly Field[] };

export type Union = { readonly name: string; readonly members: readonly WireType[] };

/** Lowers a type; throws where a type has no place on the wire. */
function lowerType(type: Type): WireType {
  switch (type.kind) {
    case "u16":
    case "u32":
    case "u64":
    case "i32":
    case "float":
    case "double":
    case "boolean":
    case "bytes":
    case "string":
      return { kind: type.kind, nullable: type.nullable };
    case "enum":
    case "object":
    case "dictionary":
      return { kind: type.kind, name: type.name, nullable: type.nullable };
    case "sequence":
    case "record":
      return { kind: type.kind, of: lowerType(type.of), nullable: type.nullable };
    case "union":
      return lowerUnion(type.name, type.of, type.nullable);
    case "undefined":
    case "arrayBuffer":
    case "uint32Array":
    case "external":
      throw new Error(`A value of type ${nameOf(type)} cannot travel.`);
    default:
      return assertNever(type);
  }
}

function lowerUnion(name: string, of: readonly Type[], nullable: boolean): WireType {
  // (sequence<double> or GPUColorDict): the guest makes the sequence a dictionary.
  const dictionary = of.find(({ kind }) => kind === "dictionary");
  if (of.length === 2 && of[0]!.kind === "sequence" && dictionary !== undefined) {
    return { ...lowerType(dictionary), nullable };
  }
  const members = of
    // (GPUSize64 or undefined): the guest leaves out what is undefined.
    .filter((member) => member.kind !== "undefined")
    .filter((member) => member.kind !== "object" || !ABSENT_OBJECTS.has(member.name))
    .map((member) => lowerType(member));
  if (members.length === 1) return { ...members[0]!, nullable };
  return { kind: "union", name, of: members, nullable };
}

export function lowerField(
  member: Pick<Member, "name" | "type" | "default"> & { readonly optional: boolean },
): Field {
  const lowered = lowerType(member.type);
  const isLabel = lowered.kind === "string" && /label$/i.test(member.name);
  return {
    name: member.name,
    type: isLabel ? { kind: "label", nullable: lowered.nullable } : lowered,
    optional: member.optional,
    default: member.default,
  };
}

export function wireDictionaries(model: Model): readonly WireDictionary[] {
  const generic = [...model.dictionaries.values()]
    .filter(({ name }) => !ABSENT_DICTIONARIES.has(name))
    .map((dictionary) => lowerDictionary(dictionary.name, dictionary, []));
  const derived = DERIVED_DICTIONARIES.map(({ name, from, without }) =>
    lowerDictionary(name, model.dictionaries.get(from)!, without),
  );
  return [...generic, ...derived, ...OWN_DICTIONARIES];
}

function lowerDictionary(
  name: string,
  dictionary: Dictionary,
  without: readonly string[],
): WireDictionary {
  return {
    name,
    fields: dictionary.members
      .filter((member) => !without.includes(member.name))
      .map((member) => lowerField({ ...member, optional: !member.required })),
  };
}

/** The interfaces whose objects have ids, and the wire's own objects. */
export function wireObjects(model: Model): readonly string[] {
  const labelled = [...model.interfaces.values()].filter(
    ({ name, labelled: isLabelled }) => isLabelled && !ABSENT_OBJECTS.has(name),
  );
  return ["GPUAdapter", ...labelled.map(({ name }) => name), ...EXTRA_OBJECTS];
}

/** All unions within the fields, once each. */
export function unionsOf(structs: readonly { readonly fields: readonly Field[] }[]): Union[] {
  const unions = new Map<string, Union>();
  const visit = (type: WireType): void => {
    if (type.kind === "sequence" || type.kind === "record") visit(type.of);
    if (type.kind === "union") unions.set(type.name, { name: type.name, members: type.of });
  };
  for (const { fields } of structs) for (const { type } of fields) visit(type);
  return [...unions.values()];
}

/** Says a type in words, for the lock file and the document. */
export function describeType(type: WireType): string {
  const suffix = type.nullable ? "?" : "";
  if ("of" in type && type.kind !== "union") {
    return `${type.kind}<${describeType(type.of)}>${suffix}`;
  }
  if (type.kind === "handle") return `handle<${type.name}>${suffix}`;
  return ("name" in type ? type.name : type.kind) + suffix;
}
