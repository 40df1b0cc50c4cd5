import { capitalize, type Command } from "./commands.ts";
import { numbersOf, orderFields, type Context, type GeneratedFile } from "./context.ts";
import {
  BANNER,
  WriteBody,
  constantCase,
  defaultText,
  importUsed,
  isPresent,
  readValue,
  typeText,
} from "./emit.ts";
import type { Field } from "./wire.ts";

/** One function that writes each command, and the switch that reads them all. */
export function generateCommands(context: Context): readonly GeneratedFile[] {
  const { commands } = context;
  return [
    generateFile(
      "write-commands.ts",
      commands.map((command) => writeCommand(command, context)).join("\n"),
      context,
    ),
    generateFile(
      "command-sink.ts",
      `/** What the decoder calls, once for each command, in the stream's order. Data is valid during the call only. */
export interface CommandSink<M extends ObjectMap> {
  ${commands.map((command) => sinkMethod(command, context)).join("\n")}
}
`,
      context,
    ),
    generateFile(
      "decode-commands.ts",
      `/** Decodes commands until the reader is at its end. */
export function decodeCommands<M extends ObjectMap>(reader: Reader, objects: ObjectResolver<M>, sink: CommandSink<M>): void {
  while (reader.remaining > 0) decodeCommand(reader, objects, sink);
}

/** Decodes one command. */
export function decodeCommand<M extends ObjectMap>(reader: Reader, objects: ObjectResolver<M>, sink: CommandSink<M>): void {
  const opcode = reader.u32();
  switch (opcode) {
    ${commands.map((command) => decodeCase(command, context)).join("\n")}
    default: reader.refuse(\`No command has the opcode \${opcode}.\`);
  }
}
`,
      context,
    ),
  ];
}

function generateFile(name: string, body: string, context: Context): GeneratedFile {
  const { dictionaries, unions, enums } = context;
  const named = [...dictionaries, ...unions].map((each) => each.name);
  const enumNames = enums.flatMap((each) => {
    const constant = constantCase(each.name);
    return [`${constant}_NUMBERS`, `${constant}_NAMES`, `type ${each.name}`];
  });
  const used = (names: readonly string[], from: string) => importUsed(names, from, body);
  const objects = ["type ObjectMap", "type ObjectRefs", "type ObjectResolver"];
  const text = [
    BANNER,
    used(["type Handle"], "../handles.ts"),
    used(["type Reader"], "../reader.ts"),
    used(["type Data", "type Writer"], "../writer.ts"),
    name === "command-sink.ts" ? "" : used(["type CommandSink"], "./command-sink.ts"),
    used(prefix("type ", named), "./dictionaries.ts"),
    used(enumNames, "./enums.ts"),
    used(objects, "./objects.ts"),
    used(prefix("read", named), "./read-dictionaries.ts"),
    used(prefix("write", named), "./write-dictionaries.ts"),
    "\n",
    body,
  ];
  return { path: `shared/wire/gen/${name}`, text: text.join("") };
}

function prefix(text: string, names: readonly string[]): readonly string[] {
  return names.map((name) => text + name);
}

/** Names that a command's function has besides its arguments. */
const OWN_NAMES = new Set(["writer", "reader", "objects", "sink", "present", "opcode"]);

function writeCommand(command: Command, context: Context): string {
  const ordered = orderFields(command.fields, context.lock.arguments[command.name]!);
  const parameters = command.fields.map((field) => {
    if (OWN_NAMES.has(field.name)) throw new Error(`${command.name} has a ${field.name}.`);
    return writeParameter(field, context);
  });
  const body = new WriteBody();
  const opcode = numbersOf(context.lock.opcodes, command.name);
  body.fixed(
    opcode < 0x80 ? 1 : 5,
    opcode < 0x80 ? `writer.u8(${opcode});` : `writer.u32(${opcode});`,
  );
  if (ordered.masked) body.fixed(5, "writer.u32(present);");
  const mask: string[] = [];
  for (const { bit, ...field } of ordered.fields) {
    if (bit === undefined) {
      if (field.type.kind === "offsets") {
        body.variable(`writer.offsets(${field.name}, ${field.name}Start, ${field.name}Length);`);
      } else body.value(field.type, field.name);
    } else {
      mask.push(`if (${isPresent(field, field.name)}) present |= ${1 << bit};`);
      body.value(field.type, `${field.name}!`, `(present & ${1 << bit}) !== 0`);
    }
  }
  return `export function write${capitalize(command.name)}(${["writer: Writer", ...parameters].join(", ")}): void {
  ${ordered.masked ? `let present = 0;\n${mask.join("\n")}` : ""}
  ${body.toString()}
}
`;
}

function writeParameter(field: Field, context: Context): string {
  if (field.type.kind === "offsets") {
    return `${field.name}: ArrayLike<number>, ${field.name}Start: number, ${field.name}Length: number`;
  }
  const text = field.type.kind === "bytes" ? "Data" : typeText(field.type, context);
  return `${field.name}${field.optional ? "?" : ""}: ${text.replaceAll(
    /\bM\b/g,
    "ObjectRefs",
  )}${field.optional ? " | undefined" : ""}`;
}

function sinkMethod(command: Command, context: Context): string {
  const parameters = command.fields.map((field) => {
    const text = typeText(field.type, context);
    if (field.type.kind === "offsets") return `${field.name}: ${text}, ${field.name}Length: number`;
    const isAbsent = field.optional && field.default === undefined;
    return `${field.name}: ${text}${isAbsent ? " | undefined" : ""}`;
  });
  return `/** ${command.meaning} */
  ${command.name}(${parameters.join(", ")}): void;`;
}

function decodeCase(command: Command, context: Context): string {
  const ordered = orderFields(command.fields, context.lock.arguments[command.name]!);
  const lines: string[] = [];
  if (ordered.masked) lines.push(`const present = reader.mask(${ordered.known});`);
  for (const { bit, ...field } of ordered.fields) {
    const { name, type } = field;
    if (type.kind === "offsets") {
      lines.push(`const ${name}Length = reader.offsets();`);
    } else if (bit === undefined) {
      const isStatement = type.kind === "sequence" || type.kind === "record";
      lines.push(
        readValue(type, context, name, (value) => (isStatement ? "" : `const ${name} = ${value};`)),
      );
    } else {
      const absent = defaultText(field.default);
      const condition = `(present & ${1 << bit}) !== 0`;
      lines.push(
        readValue(
          type,
          context,
          name,
          (value) => `const ${name} = ${condition} ? ${value} : ${absent};`,
        ),
      );
    }
  }
  const values = command.fields.map(({ name, type }) =>
    type.kind === "offsets" ? `reader.offsetValues, ${name}Length` : name,
  );
  return `case ${numbersOf(context.lock.opcodes, command.name)}: {
    ${lines.join("\n")}
    sink.${command.name}(${values.join(", ")});
    return;
  }`;
}
