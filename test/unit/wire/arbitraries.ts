import * as fc from "fast-check";
import type { Context } from "#codegen/context.ts";
import type { Field, WireType } from "#codegen/wire.ts";
import { MAX_LABEL_BYTES } from "#shared/wire/limits.ts";
import { utf8Length } from "#shared/base/utf8.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";

// Values of every wire type, made from the same model as the codec, and what they look like once
// they have been through it.

export type Values = Readonly<Record<string, unknown>>;

const uint32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff }));
const uint53 = fc.oneof(fc.nat(300), uint32, fc.maxSafeNat());
const text = fc.string({ unit: "binary", maxLength: 90 });
const label = fc
  .string({ unit: "binary", maxLength: 40 })
  .filter((value) => utf8Length(value) <= MAX_LABEL_BYTES);
const finite = { noNaN: true, noDefaultInfinity: true };

const KINDS: Readonly<Record<string, number>> = ObjectKind;

function objectOf(name: string): fc.Arbitrary<unknown> {
  return uint32
    .filter((id) => id > 0)
    .map((id) => (name in KINDS ? { kind: KINDS[name], id } : { id }));
}

export function arbitraryOf(type: WireType, context: Context): fc.Arbitrary<unknown> {
  const bare = bareArbitraryOf(type, context);
  return type.nullable ? fc.option(bare) : bare;
}

function bareArbitraryOf(type: WireType, context: Context): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "boolean":
      return fc.boolean();
    case "u16":
      return fc.nat(0xffff);
    case "u32":
      return uint32;
    case "u64":
      return uint53;
    case "i32":
      return fc.oneof(fc.integer({ min: -70, max: 70 }), fc.integer());
    case "float":
      return fc.float(finite);
    case "double":
      return fc.double(finite);
    case "string":
      return text;
    case "label":
      return label;
    case "enum":
      return fc.constantFrom(...context.model.enums.get(type.name)!.values);
    case "object":
      return objectOf(type.name);
    case "handle":
      return fc.record({ id: uint32, generation: uint32 });
    case "dictionary":
      return fieldsOf(context.dictionaries.find(({ name }) => name === type.name)!.fields, context);
    case "sequence":
      return fc.array(arbitraryOf(type.of, context), { maxLength: 4 });
    case "record":
      return fc.dictionary(text, arbitraryOf(type.of, context), { maxKeys: 4 });
    case "union":
      return fc.oneof(...type.of.map((member) => arbitraryOf(member, context)));
    case "bytes":
      return fc.uint8Array({ maxLength: 300 });
    case "offsets":
      return fc.array(uint32, { maxLength: 20 });
    default:
      throw new Error(`No value of ${JSON.stringify(type)} is known.`);
  }
}

/** An object with a property for each field; optional ones are sometimes left out. */
export function fieldsOf(fields: readonly Field[], context: Context): fc.Arbitrary<Values> {
  const model = fields.map((field) => [field.name, withDefault(field, context)] as const);
  const requiredKeys = fields.filter(({ optional }) => !optional).map(({ name }) => name);
  return fc.record(Object.fromEntries(model), { requiredKeys, noNullPrototype: true });
}

/** Sometimes exactly the default, which the encoder leaves out. */
function withDefault(field: Field, context: Context): fc.Arbitrary<unknown> {
  const any = arbitraryOf(field.type, context);
  const fallback = field.default;
  return fallback?.kind === "value"
    ? fc.oneof({ weight: 3, arbitrary: any }, fc.constant(fallback.value))
    : any;
}

/** The value as it is read: members that equal their defaults are gone. */
export function readForm(type: WireType, value: unknown, context: Context): unknown {
  if (value === null) return null;
  if (type.kind === "sequence" && Array.isArray(value)) {
    return value.map((item: unknown) => readForm(type.of, item, context));
  }
  if (type.kind === "union") {
    const dictionary = type.of.find(({ kind }) => kind === "dictionary");
    const isDictionary = isValues(value) && !("kind" in value);
    return isDictionary && dictionary !== undefined ? readForm(dictionary, value, context) : value;
  }
  if (type.kind !== "dictionary" || !isValues(value)) return value;
  const { fields } = context.dictionaries.find(({ name }) => name === type.name)!;
  const kept = fields
    .filter((field) => !isDropped(field, value[field.name]))
    .map((field) => [field.name, readForm(field.type, value[field.name], context)] as const);
  return Object.fromEntries(kept);
}

/** Arguments as the sink gets them, in order: defaults are filled in. */
export function readArguments(
  fields: readonly Field[],
  values: Values,
  context: Context,
): readonly unknown[] {
  return fields.map((field) => {
    const value = values[field.name];
    if (value !== undefined) return readForm(field.type, value, context);
    if (field.default?.kind === "value") return field.default.value;
    return field.default === undefined ? undefined : {};
  });
}

function isDropped(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  if (!field.optional) return false;
  if (field.default?.kind === "value") return value === field.default.value;
  return field.default?.kind === "emptySequence" && Array.isArray(value) && value.length === 0;
}

function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null;
}
