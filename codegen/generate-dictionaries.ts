import { orderFields, type Context, type GeneratedFile } from "./context.ts";
import {
  BANNER,
  WriteBody,
  constantCase,
  importUsed,
  isPresent,
  readValue,
  typeText,
  unionTags,
} from "./emit.ts";
import type { Union, WireDictionary, WireType } from "./wire.ts";

/** Dictionaries and unions: their types, and the functions that write and read them. */
export function generateDictionaries(context: Context): readonly GeneratedFile[] {
  const { dictionaries, unions, enums } = context;
  const enumTypes = enums.map(({ name }) => `type ${name}`);
  const constants = (suffix: string) => enums.map(({ name }) => constantCase(name) + suffix);
  const named = [...dictionaries, ...unions].map(({ name }) => `type ${name}`);
  const objects = ["type ObjectMap", "type ObjectRefs", "type ObjectResolver"];
  const types = generateEach(context, dictionaryType, unionType);
  const write = generateEach(context, writeDictionary, writeUnion);
  const read = generateEach(context, readDictionary, readUnion);
  return [
    {
      path: "shared/wire/gen/dictionaries.ts",
      text: [
        BANNER,
        importUsed(enumTypes, "./enums.ts", types),
        importUsed(objects, "./objects.ts", types),
        types,
      ].join(""),
    },
    {
      path: "shared/wire/gen/write-dictionaries.ts",
      text: [
        BANNER,
        'import type { Writer } from "../writer.ts";\n',
        importUsed(named, "./dictionaries.ts", write),
        importUsed(constants("_NUMBERS"), "./enums.ts", write),
        importUsed(objects, "./objects.ts", write),
        write,
      ].join(""),
    },
    {
      path: "shared/wire/gen/read-dictionaries.ts",
      text: [
        BANNER,
        'import type { Reader } from "../reader.ts";\n',
        importUsed(named, "./dictionaries.ts", read),
        importUsed([...constants("_NAMES"), ...enumTypes], "./enums.ts", read),
        importUsed(objects, "./objects.ts", read),
        read,
      ].join(""),
    },
  ];
}

function generateEach(
  context: Context,
  dictionary: (each: WireDictionary, context: Context) => string,
  union: (each: Union, context: Context) => string,
): string {
  const texts = [
    ...context.unions.map((each) => union(each, context)),
    ...context.dictionaries.map((each) => dictionary(each, context)),
  ];
  return `\n${texts.join("\n")}`;
}

function dictionaryType({ name, fields }: WireDictionary, context: Context): string {
  const members = fields.map((field) => {
    const text = typeText(field.type, context);
    return field.optional ? `${field.name}?: ${text} | undefined;` : `${field.name}: ${text};`;
  });
  return `export type ${name}${generic(name, "dictionary", context)} = { ${members.join("\n")} };\n`;
}

function unionType({ name, members }: Union, context: Context): string {
  const list = members.map((member) => typeText(member, context)).join(" | ");
  return `export type ${name}${generic(name, "union", context, members)} = ${list};\n`;
}

function generic(
  name: string,
  kind: "dictionary" | "union",
  context: Context,
  of: readonly WireType[] = [],
): string {
  return holdsObjects(name, kind, context, of) ? "<M extends ObjectMap>" : "";
}

function holdsObjects(
  name: string,
  kind: "dictionary" | "union",
  context: Context,
  of: readonly WireType[] = [],
): boolean {
  return context.holdsObjects(
    kind === "union" ? { kind, name, of, nullable: false } : { kind, name, nullable: false },
  );
}

function writeDictionary({ name, fields }: WireDictionary, context: Context): string {
  const ordered = orderFields(fields, context.lock.dictionaries[name]!);
  const body = new WriteBody();
  body.fixed(5, "writer.u32(present);");
  for (const { bit, ...field } of ordered.fields) {
    if (bit === undefined) body.value(field.type, `value.${field.name}`);
    else body.value(field.type, `value.${field.name}!`, `(present & ${1 << bit}) !== 0`);
  }
  const mask = ordered.fields.flatMap(({ bit, ...field }) =>
    bit === undefined
      ? []
      : [`if (${isPresent(field, `value.${field.name}`)}) present |= ${1 << bit};`],
  );
  const refs = holdsObjects(name, "dictionary", context) ? "<ObjectRefs>" : "";
  const unused = fields.length === 0 ? "_value" : "value";
  return `export function write${name}(writer: Writer, ${unused}: ${name}${refs}): void {
  ${mask.length > 0 ? "let" : "const"} present = 0;
  ${mask.join("\n")}
  ${body.toString()}
}
`;
}

function readDictionary({ name, fields }: WireDictionary, context: Context): string {
  const ordered = orderFields(fields, context.lock.dictionaries[name]!);
  const required = ordered.fields.filter(({ bit }) => bit === undefined);
  const optional = ordered.fields.filter(({ bit }) => bit !== undefined);
  const isGeneric = holdsObjects(name, "dictionary", context);
  const type = name + (isGeneric ? "<M>" : "");
  const [parameters, objects] = isGeneric
    ? ["<M extends ObjectMap>", ", objects: ObjectResolver<M>"]
    : ["", ""];
  const present = `${optional.length > 0 ? "const present = " : ""}reader.mask(${ordered.known});`;
  return `export function read${name}${parameters}(reader: Reader${objects}): ${type} {
  ${present}
  ${required
    .map((field) =>
      readValue(field.type, context, local(field.name), (value) =>
        value === local(field.name) ? "" : `const ${local(field.name)} = ${value};`,
      ),
    )
    .join("\n")}
  const dictionary: ${type} = { ${required.map((field) => `${field.name}: ${local(field.name)}`).join(", ")} };
  ${optional
    .map(
      (field) =>
        `if ((present & ${1 << field.bit!}) !== 0) { ${readValue(
          field.type,
          context,
          local(field.name),
          (value) => `dictionary.${field.name} = ${value};`,
        )} }`,
    )
    .join("\n")}
  return dictionary;
}
`;
}

/** A variable's name for a member, which may be named like one of the function's own. */
function local(name: string): string {
  return `${name}Value`;
}

function writeUnion({ name, members }: Union, context: Context): string {
  const refs = holdsObjects(name, "union", context, members) ? "<ObjectRefs>" : "";
  const cases: string[] = [];
  let rest = "";
  for (const [tag, member] of unionTags(name, members, context)) {
    const body = new WriteBody();
    body.fixed(1, `writer.u32(${tag});`);
    body.value(member, "value");
    if (member.kind === "object") {
      cases.push(
        `if ("kind" in value && value.kind === ${context.lock.kinds[member.name]}) { ${body.toString()} return; }`,
      );
    } else if (member.kind === "enum") {
      cases.push(`if (typeof value === "string") { ${body.toString()} return; }`);
    } else {
      rest = body.toString();
    }
  }
  // Strings first: "kind" can be looked for in objects only.
  cases.sort((a, b) => Number(b.includes("typeof")) - Number(a.includes("typeof")));
  if (rest === "") {
    const last = cases.pop()!;
    rest = last.slice(last.indexOf("{") + 1, last.lastIndexOf("return;"));
  }
  return `export function write${name}(writer: Writer, value: ${name}${refs}): void {
  ${cases.join("\n")}
  ${rest}
}
`;
}

function readUnion({ name, members }: Union, context: Context): string {
  const isGeneric = holdsObjects(name, "union", context, members);
  const type = name + (isGeneric ? "<M>" : "");
  const [parameters, objects] = isGeneric
    ? ["<M extends ObjectMap>", ", objects: ObjectResolver<M>"]
    : ["", ""];
  const cases = unionTags(name, members, context).map(
    ([tag, member]) =>
      `case ${tag}: ${readValue(member, context, "member", (value) => `return ${value};`)}`,
  );
  return `export function read${name}${parameters}(reader: Reader${objects}): ${type} {
  const tag = reader.u32();
  switch (tag) {
    ${cases.join("\n")}
    default: return reader.refuse(\`${name} has no member numbered \${tag}.\`);
  }
}
`;
}
