import { constantCase, BANNER, typeText } from "./emit.ts";
import { type Context, type GeneratedFile } from "./context.ts";
import { slottedObjects } from "./generate-guest-slots.ts";
import type { Dictionary, Member, Type } from "./model.ts";

/** What a program passes → what travels: the conversions of WebIDL, in its order. */
export function generateGuestDictionaries(context: Context): readonly GeneratedFile[] {
  const { model } = context;
  const travelling = new Set(context.dictionaries.map(({ name }) => name));
  const dictionaries = [...model.dictionaries.values()].filter(
    ({ name }) => travelling.has(name) || GUEST_DICTIONARIES.has(name),
  );
  const unions = new Map<string, Type>();
  const visit = (type: Type): void => {
    if (type.kind === "sequence" || type.kind === "record") visit(type.of);
    if (type.kind !== "union" || optionalOf(type) !== undefined) return;
    if (!type.of.some(({ kind }) => kind === "external")) unions.set(type.name, type);
  };
  for (const { members } of dictionaries) for (const { type } of members) visit(type);
  visit({ kind: "union", name: "GPUExtent3D", nullable: false, of: extentMembers(context) });
  const emitter = new Emitter(context);
  const functions = [
    ...[...unions.values()].map((type) => emitter.union(type)),
    ...dictionaries.map((dictionary) => emitter.dictionary(dictionary, travelling)),
  ];
  const enumNames = context.enums.map(({ name }) => name);
  const wireNames = [...context.dictionaries, ...context.unions].map(({ name }) => name);
  return [
    {
      path: "client/guest/gen/dictionaries.ts",
      text: `${BANNER}import type { ${wireNames.join(", ")} } from "#shared/wire/gen/dictionaries.ts";
import { ${enumNames.map((name) => `${constantCase(name)}_NUMBERS, type ${name}`).join(", ")} } from "#shared/wire/gen/enums.ts";
import { colorOfSequence, extentOfSequence, origin2DOfSequence, origin3DOfSequence } from "../geometry.ts";
import { hold, type Records, type WireObject } from "../records.ts";
import { isIterable, isObject, missingMember, requireObject, toBoolean, toClampedUint16, toDictionary, toDOMString, toDouble, toEnum, toFloat, toInt32, toRecord, toSequence, toUint32, toUint64, toUSVString } from "../webidl.ts";
import { ${slottedObjects(context)
        .map((name) => `${name}Slot`)
        .join(", ")} } from "./slots.ts";

// Where a dictionary leads to objects whose release destroys memory, its conversion appends them to
// \`held\`, for whatever is made from it to hold.

${functions.join("\n")}`,
    },
  ];
}

/** Dictionaries that the guest converts and that do not travel in their own shape. */
const GUEST_DICTIONARIES = new Set([
  "GPUCopyExternalImageSourceInfo",
  "GPUCopyExternalImageDestInfo",
  "GPUOrigin2DDict",
  "GPUCanvasConfiguration",
]);

/** Objects whose release at the worker destroys memory, and those that lead to them. */
export const HELD_OBJECTS: ReadonlySet<string> = new Set([
  "GPUBuffer",
  "GPUTexture",
  "GPUTextureView",
  "GPUQuerySet",
  "GPUBindGroup",
  "GPURenderBundle",
  "GPUCommandBuffer",
]);

/** How a sequence becomes the dictionary that it is short for. */
const SHORT_FORMS: Readonly<Record<string, string>> = {
  GPUColor: "colorOfSequence",
  GPUOrigin2D: "origin2DOfSequence",
  GPUOrigin3D: "origin3DOfSequence",
  GPUExtent3D: "extentOfSequence",
};

function extentMembers({ model }: Context): readonly Type[] {
  const size = model.dictionaries
    .get("GPUTextureDescriptor")!
    .members.find(({ name }) => name === "size")!.type;
  if (size.kind !== "union") throw new Error("GPUExtent3D is no union.");
  return size.of;
}

/** T of (T or undefined). */
function optionalOf(type: Type): Type | undefined {
  if (type.kind !== "union" || type.of.length !== 2) return undefined;
  return type.of.some(({ kind }) => kind === "undefined")
    ? type.of.find(({ kind }) => kind !== "undefined")
    : undefined;
}

class Emitter {
  readonly #context: Context;
  readonly #holds = new Map<string, boolean>();

  constructor(context: Context) {
    this.#context = context;
  }

  dictionary({ name, members }: Dictionary, travelling: ReadonlySet<string>): string {
    const held = this.#leadsToHeld({ kind: "dictionary", name, nullable: false });
    const returns = travelling.has(name) ? `: ${this.#wireType(name)}` : "";
    const lines = members.map((member) => this.#member(name, member));
    const names = members.map((member) => `${member.name}: $${member.name}`);
    return `export function to${name}(value: unknown${held ? ", held: WireObject[]" : ""})${returns} {
  const source = toDictionary(value, "${name}");
  ${members.length > 0 ? "let member: unknown;" : "void source;"}
  ${lines.join("\n")}
  return { ${names.join(", ")} };
}
`;
  }

  #wireType(name: string): string {
    const text = typeText({ kind: "dictionary", name, nullable: false }, this.#context);
    return text.replaceAll("<M>", "<Records>");
  }

  #member(owner: string, { name, type, required, default: fallback }: Member): string {
    const read = `member = source["${name}"];`;
    const what = `"${owner}.${name}"`;
    const converted = this.convert(type, "member", what);
    if (required) {
      return `${read}
      if (member === undefined) throw missingMember(${what});
      const $${name} = ${converted};`;
    }
    // An absent dictionary or sequence stays absent: the worker fills in what it would contain.
    const absent = fallback?.kind === "value" ? JSON.stringify(fallback.value) : "undefined";
    return `${read}
    const $${name} = member === undefined ? ${absent} : ${converted};`;
  }

  union(type: Type): string {
    if (type.kind !== "union") throw new Error(`${type.kind} is no union.`);
    const { name } = type;
    const shortForm = SHORT_FORMS[name];
    const dictionary = type.of.find(({ kind }) => kind === "dictionary");
    if (shortForm !== undefined && dictionary?.kind === "dictionary") {
      return `export function to${name}(value: unknown) {
  return isIterable(value) ? ${shortForm}(value) : to${dictionary.name}(value);
}
`;
    }
    const isHolding = this.#leadsToHeld(type);
    const lines: string[] = [];
    let last = `throw new TypeError("The value is none of ${type.of.map((each) => ("name" in each ? each.name : each.kind)).join(", ")}.");`;
    for (const each of type.of) {
      if (each.kind === "object") {
        if (!this.#context.objects.includes(each.name)) continue;
        const hold = HELD_OBJECTS.has(each.name) ? `held.push(${variable(each.name)});` : "";
        lines.push(`const ${variable(each.name)} = ${each.name}Slot.find(value);
  if (${variable(each.name)} !== undefined) { ${hold} return ${variable(each.name)}; }`);
      } else {
        last = `return ${this.convert(each, "value", `"${name}"`)};`;
      }
    }
    return `export function to${name}(value: unknown${isHolding ? ", held: WireObject[]" : ""}) {
  ${lines.join("\n")}
  ${last}
}
`;
  }

  /** An expression of the wire's value, from one of the program's. */
  convert(type: Type, value: string, what: string): string {
    const { nullable, ...rest } = type;
    if (nullable) {
      const inner = this.convert({ ...rest, nullable: false }, value, what);
      return `${value} === null || ${value} === undefined ? null : ${inner}`;
    }
    switch (type.kind) {
      case "u16":
        if (!type.clamp) throw new Error(`${what} is no clamped unsigned short.`);
        return `toClampedUint16(${value})`;
      case "u32":
        return `toUint32(${value}, ${what})`;
      case "u64":
        return `toUint64(${value}, ${what})`;
      case "i32":
        return `toInt32(${value}, ${what})`;
      case "float":
        return `toFloat(${value}, ${what})`;
      case "double":
        return `toDouble(${value}, ${what})`;
      case "boolean":
        return `toBoolean(${value})`;
      case "string":
        return type.usv ? `toUSVString(${value})` : `toDOMString(${value})`;
      case "enum":
        return `toEnum<${type.name}>(${value}, ${constantCase(type.name)}_NUMBERS, ${what})`;
      case "object":
        return HELD_OBJECTS.has(type.name)
          ? `hold(${type.name}Slot.of(${value}), held)`
          : `${type.name}Slot.of(${value})`;
      case "dictionary":
        return `to${type.name}(${value}${this.#leadsToHeld(type) ? ", held" : ""})`;
      case "sequence":
        return `toSequence(${value}, (item) => ${this.convert(type.of, "item", what)}, ${what})`;
      case "record": {
        const key = type.usvKeys ? "toUSVString" : "toDOMString";
        return `toRecord(${value}, ${key}, (item) => ${this.convert(type.of, "item", what)}, ${what})`;
      }
      case "union": {
        const inner = optionalOf(type);
        if (inner !== undefined) {
          return `${value} === undefined ? undefined : ${this.convert(inner, value, what)}`;
        }
        if (type.of.some(({ kind }) => kind === "external")) {
          return `requireObject(${value}, ${what})`;
        }
        return `to${type.name}(${value}${this.#leadsToHeld(type) ? ", held" : ""})`;
      }
      case "undefined":
      case "bytes":
      case "arrayBuffer":
      case "uint32Array":
      case "external":
        break;
    }
    throw new Error(`No code converts ${what} (${type.kind}).`);
  }

  #leadsToHeld(type: Type): boolean {
    if (type.kind === "object") return HELD_OBJECTS.has(type.name);
    if (type.kind === "sequence" || type.kind === "record") return this.#leadsToHeld(type.of);
    if (type.kind === "union") return type.of.some((each) => this.#leadsToHeld(each));
    if (type.kind !== "dictionary") return false;
    let result = this.#holds.get(type.name);
    if (result === undefined) {
      const { members } = this.#context.model.dictionaries.get(type.name)!;
      result = members.some((member) => this.#leadsToHeld(member.type));
      this.#holds.set(type.name, result);
    }
    return result;
  }
}

function variable(name: string): string {
  return name.replace(/^GPU/, "").replace(/^./, (first) => first.toLowerCase());
}
