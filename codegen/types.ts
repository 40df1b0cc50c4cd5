import { assertNever } from "#shared/base/assert.ts";
import type { Definition, ExtendedAttribute, IdlType, Value } from "webidl2";

/** A WebIDL type with its typedefs resolved. */
export type Type = TypeShape & { readonly nullable: boolean };

/** `bytes` is AllowSharedBufferSource. */
type PlainKind =
  | "float"
  | "double"
  | "boolean"
  | "undefined"
  | "bytes"
  | "arrayBuffer"
  | "uint32Array";

type TypeShape =
  | {
      readonly kind: "u16" | "u32" | "u64" | "i32";
      readonly enforceRange: boolean;
      readonly clamp: boolean;
    }
  | { readonly kind: PlainKind }
  /** DOMString, or USVString where `usv`. */
  | { readonly kind: "string"; readonly usv: boolean }
  /** `name` is an interface of WebGPU. */
  | { readonly kind: "enum" | "dictionary" | "object"; readonly name: string }
  | { readonly kind: "sequence"; readonly of: Type }
  | { readonly kind: "record"; readonly usvKeys: boolean; readonly of: Type }
  /** `name` is the typedef's; a union without one is named after its members. */
  | { readonly kind: "union"; readonly name: string; readonly of: readonly Type[] }
  /** From another specification, such as HTMLVideoElement. */
  | { readonly kind: "external"; readonly name: string };

export type Default =
  | { readonly kind: "value"; readonly value: string | number | boolean }
  | { readonly kind: "emptyDictionary" | "emptySequence" | "null" };

export function resolveDefault(value: Value | null): Default | undefined {
  if (value === null) return undefined;
  switch (value.type) {
    case "number":
      return { kind: "value", value: Number(value.value) };
    case "string":
    case "boolean":
      return { kind: "value", value: value.value };
    case "dictionary":
      return { kind: "emptyDictionary" };
    case "sequence":
      return { kind: "emptySequence" };
    case "null":
      return { kind: "null" };
    default:
      return assertNever(value);
  }
}

const INTEGERS: Readonly<Record<string, "u16" | "u32" | "u64" | "i32">> = {
  "unsigned short": "u16",
  "unsigned long": "u32",
  "unsigned long long": "u64",
  long: "i32",
};

const PLAIN: Readonly<Record<string, PlainKind>> = {
  float: "float",
  double: "double",
  boolean: "boolean",
  undefined: "undefined",
  AllowSharedBufferSource: "bytes",
  ArrayBuffer: "arrayBuffer",
  Uint32Array: "uint32Array",
};

/** Looks names up among the definitions of one specification. */
export class TypeResolver {
  readonly #typedefs = new Map<string, IdlType>();
  readonly #kinds = new Map<string, "enum" | "dictionary" | "object">();

  constructor(definitions: readonly Definition[]) {
    for (const definition of definitions) {
      if (definition.type === "typedef") this.#typedefs.set(definition.name, definition.idlType);
      if (definition.type === "enum") this.#kinds.set(definition.name, "enum");
      if (definition.type === "dictionary") this.#kinds.set(definition.name, "dictionary");
      if (definition.type === "interface") this.#kinds.set(definition.name, "object");
    }
  }

  /** `attributes` stand on the member or argument and hold for its type. */
  resolve(idl: IdlType, attributes: readonly ExtendedAttribute[], alias?: string): Type {
    const all = [...attributes, ...idl.extAttrs];
    const { nullable } = idl;
    if (typeof idl.idlType === "string") return this.#resolveName(idl.idlType, nullable, all);
    if (idl.union) {
      const of = idl.idlType.map((member) => this.resolve(member, []));
      return { kind: "union", name: alias ?? of.map(nameOf).join("Or"), of, nullable };
    }
    const inner = idl.idlType.map((member) => this.resolve(member, []));
    switch (idl.generic) {
      case "sequence":
      case "FrozenArray":
        return { kind: "sequence", of: inner[0]!, nullable };
      case "record":
        return {
          kind: "record",
          usvKeys: inner[0]!.kind === "string" && inner[0]!.usv,
          of: inner[1]!,
          nullable,
        };
      default:
        throw new Error(`The model knows no generic type "${idl.generic}".`);
    }
  }

  resolvePromise(idl: IdlType): { readonly returns: Type; readonly isPromise: boolean } {
    if (idl.generic === "Promise" && typeof idl.idlType !== "string") {
      return { returns: this.resolve(idl.idlType[0]!, []), isPromise: true };
    }
    return { returns: this.resolve(idl, []), isPromise: false };
  }

  #resolveName(name: string, nullable: boolean, attributes: readonly ExtendedAttribute[]): Type {
    const typedef = this.#typedefs.get(name);
    if (typedef !== undefined) {
      const type = this.resolve(typedef, attributes, name);
      return { ...type, nullable: nullable || type.nullable };
    }
    const integer = INTEGERS[name];
    if (integer !== undefined) {
      const has = (attribute: string) => attributes.some((each) => each.name === attribute);
      return {
        kind: integer,
        enforceRange: has("EnforceRange"),
        clamp: has("Clamp"),
        nullable,
      };
    }
    if (name === "DOMString" || name === "USVString") {
      return { kind: "string", usv: name === "USVString", nullable };
    }
    const plain = PLAIN[name];
    if (plain !== undefined) return { kind: plain, nullable };
    const kind = this.#kinds.get(name);
    if (kind !== undefined) return { kind, name, nullable };
    return { kind: "external", name, nullable };
  }
}

/** Names a type inside the name of an anonymous union. */
export function nameOf(type: Type): string {
  if ("name" in type) return type.name;
  return type.kind === "sequence" ? `${nameOf(type.of)}Sequence` : type.kind;
}
