import { capitalize, type Command } from "./commands.ts";
import type { Context, GeneratedFile } from "./context.ts";
import { BANNER, constantCase } from "./emit.ts";
import { HELD_OBJECTS } from "./generate-guest-dictionaries.ts";
import { slottedObjects } from "./generate-guest-slots.ts";
import { target } from "./exceptions.ts";
import type { Argument, Interface } from "./model.ts";

// The classes of the three encoders that draw and dispatch: the guest's hot path. Each method
// converts its arguments, makes its encoder the stream's current one, and writes one command.

const INTERFACES: readonly { readonly name: string; readonly file: string }[] = [
  { name: "GPURenderPassEncoder", file: "render-pass-encoder" },
  { name: "GPUComputePassEncoder", file: "compute-pass-encoder" },
  { name: "GPURenderBundleEncoder", file: "render-bundle-encoder" },
];

/** Methods whose body is a function of client/guest, called with the record and the arguments. */
const BY_HAND: ReadonlyMap<string, string> = new Map([["finish", "finishRenderBundle"]]);

export function generateGuestEncoders(context: Context): readonly GeneratedFile[] {
  return [
    ...INTERFACES.map(({ name, file }) => ({
      path: `client/guest/gen/${file}.ts`,
      text: encoderClass(context.model.interfaces.get(name)!, context),
    })),
    { path: "client/guest/gen/plain-objects.ts", text: plainObjects(context) },
  ];
}

/** The objects that a program can only pass on: their classes have a label and nothing else. */
function plainObjects({ model, objects }: Context): string {
  const plain = [...model.interfaces.values()].filter(
    ({ name, labelled, methods, attributes }) =>
      labelled && objects.includes(name) && methods.length === 0 && attributes.length === 1,
  );
  return `${BANNER}import { defineInterface } from "../interface.ts";
import { relabel } from "../label.ts";
import { illegalConstructor, toUSVString } from "../webidl.ts";
import { ${plain.map(({ name }) => `${name}Slot`).join(", ")} } from "./slots.ts";

${plain
  .map(
    ({ name }) => `export class ${name} implements globalThis.${name} {
${classHead(name)}

  static {
    defineInterface(this);
  }
}
`,
  )
  .join("\n")}`;
}

function classHead(name: string): string {
  return `  declare readonly __brand: "${name}";

  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    return ${name}Slot.of(this).label;
  }

  set label(value: string) {
    relabel(${name}Slot.of(this), toUSVString(value));
  }`;
}

function encoderClass(each: Interface, context: Context): string {
  const { name } = each;
  const commands = context.commands.filter((command) => command.method?.interface === name);
  const enums = context.enums.map((item) => `${constantCase(item.name)}_NUMBERS`).join(", ");
  const byHand = each.methods.flatMap((method) => BY_HAND.get(method.name) ?? []);
  return `${BANNER}import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { ${enums} } from "#shared/wire/gen/enums.ts";
import { ${commands.map((command) => `write${capitalize(command.name)}`).join(", ")} } from "#shared/wire/gen/write-commands.ts";
import { cutImmediates } from "../bytes.ts";
import { NO_OFFSETS, requireOffsetsWithin, toOffsets } from "../dynamic-offsets.ts";
import { defineInterface } from "../interface.ts";
import { relabel } from "../label.ts";
${byHand.length > 0 ? `import { ${byHand.join(", ")} } from "../render-bundle.ts";` : ""}
import { illegalConstructor, requireArguments, tooFewArguments, toEnum, toFloat, toInt32, toSequence, toUint32, toUint32Array, toUint64, toUSVString } from "../webidl.ts";
import { toGPUColor } from "./dictionaries.ts";
import { ${slottedObjects(context)
    .map((object) => `${object}Slot`)
    .join(", ")} } from "./slots.ts";

export class ${name} implements globalThis.${name} {
${classHead(name)}

  ${commands.map((command) => encoderMethod(name, command)).join("\n\n")}

  static {
    defineInterface(this);
  }
}
`;
}

function encoderMethod(owner: string, command: Command): string {
  const { name, overload } = command.method!;
  const what = `"${owner}.${name}"`;
  const current = target(owner);
  const begin = `const record = ${owner}Slot.of(this);`;
  const byHand = BY_HAND.get(name);
  if (byHand !== undefined) {
    return `${name}(descriptor: globalThis.GPURenderBundleDescriptor | undefined = undefined): globalThis.GPURenderBundle {
    return ${byHand}(${owner}Slot.of(this), descriptor);
  }`;
  }
  const use = `const { stream } = record;
    if (stream.${current} !== record) stream.${"use" + capitalize(current)}(record);`;
  const write = `write${capitalize(command.name)}`;
  if (name === "setBindGroup") return setBindGroup(begin, use, write, what);
  if (name === "setImmediates") return setImmediates(begin, use, write, what);
  const args = overload.arguments;
  const required = args.filter(({ optional }) => !optional).length;
  const converted = args.map((argument) => convert(argument, owner, name));
  const values = args.map((argument) => `$${argument.name}`);
  const holds = args.filter(
    ({ type }) =>
      (type.kind === "object" && HELD_OBJECTS.has(type.name)) ||
      (type.kind === "sequence" && type.of.kind === "object" && HELD_OBJECTS.has(type.of.name)),
  );
  const isVariable = args.some(({ type }) => ["string", "sequence", "union"].includes(type.kind));
  const call = isVariable
    ? `stream.record((writer) => ${write}(${["writer", ...values].join(", ")}));`
    : `${write}(${["stream.writer", ...values].join(", ")});
    stream.recorded();`;
  return `${name}(${args.map(parameter).join(", ")}): undefined {
    ${begin}
    ${required > 0 ? `if (arguments.length < ${required}) throw tooFewArguments(arguments.length, ${required}, ${what});` : ""}
    ${converted.join("\n")}
    ${holds.length > 0 ? "const { holder } = record;" : ""}
    ${holds.map(hold).join("\n")}
    ${use}
    ${call}
  }`;
}

function holdOne(value: string): string {
  return `if (${value}.heldBy !== holder.serial) holder.hold(${value});`;
}

function hold({ name, type }: Argument): string {
  if (type.kind === "sequence") return `for (const each of $${name}) ${holdOne("each")}`;
  return type.nullable ? `if ($${name} !== null) ${holdOne(`$${name}`)}` : holdOne(`$${name}`);
}

function parameter({ name, type, optional, default: fallback }: Argument): string {
  const text = parameterType(type);
  if (!optional) return `${name}: ${text}`;
  return fallback?.kind === "value"
    ? `${name}: ${text} = ${JSON.stringify(fallback.value)}`
    : `${name}: ${text} | undefined = undefined`;
}

function parameterType(type: Argument["type"]): string {
  if (type.kind === "string") return "string";
  if (type.kind === "sequence") return `Iterable<${parameterType(type.of)}>`;
  if (type.kind === "union") return `globalThis.${type.name} | Iterable<number>`;
  if (type.kind === "enum" || type.kind === "object") {
    return `globalThis.${type.name}${type.nullable ? " | null | undefined" : ""}`;
  }
  return "number";
}

/** Small integers, the usual case, are checked in place. */
function convert(argument: Argument, owner: string, methodName: string): string {
  const { name, type, optional, default: fallback } = argument;
  const what = `"${owner}.${methodName}: ${name}"`;
  const isSkipped =
    optional && fallback === undefined ? `${name} === undefined ? undefined : ` : "";
  return `const $${name} = ${isSkipped}${conversion(name, type, what)};`;
}

function conversion(name: string, type: Argument["type"], what: string): string {
  const small = `typeof ${name} === "number" && ${name} >>> 0 === ${name} ? ${name} : `;
  if (type.kind === "u32") return `${small}toUint32(${name}, ${what})`;
  if (type.kind === "u64") return `${small}toUint64(${name}, ${what})`;
  if (type.kind === "i32") return `toInt32(${name}, ${what})`;
  if (type.kind === "float") return `toFloat(${name}, ${what})`;
  if (type.kind === "string") return `toUSVString(${name})`;
  if (type.kind === "enum") return `toEnum(${name}, ${constantCase(type.name)}_NUMBERS, ${what})`;
  if (type.kind === "union") return `to${type.name}(${name})`;
  if (type.kind === "object") {
    const isNull = type.nullable ? `${name} === null || ${name} === undefined ? null : ` : "";
    return `${isNull}${type.name}Slot.of(${name})`;
  }
  if (type.kind === "sequence" && type.of.kind === "object") {
    return `toSequence(${name}, (item) => ${type.of.name}Slot.of(item), ${what})`;
  }
  throw new Error(`No code converts ${what}.`);
}

function setBindGroup(begin: string, use: string, write: string, what: string): string {
  return `setBindGroup(index: number, bindGroup: globalThis.GPUBindGroup | null | undefined, dynamicOffsets: Iterable<number> | undefined = undefined, dynamicOffsetsDataStart: number = 0, dynamicOffsetsDataLength: number = 0): undefined {
    ${begin}
    const count = arguments.length;
    if (count < 2 || count === 4) throw tooFewArguments(count, count < 2 ? 2 : 5, ${what});
    const $index = typeof index === "number" && index >>> 0 === index ? index : toUint32(index, ${what});
    const group = bindGroup === null || bindGroup === undefined ? null : GPUBindGroupSlot.of(bindGroup);
    let offsets: ArrayLike<number> = NO_OFFSETS;
    let start = 0;
    let length = 0;
    if (count > 4) {
      offsets = toUint32Array(dynamicOffsets, ${what});
      start = toUint64(dynamicOffsetsDataStart, ${what});
      length = toUint32(dynamicOffsetsDataLength, ${what});
      requireOffsetsWithin(offsets, start, length);
    } else if (dynamicOffsets !== undefined) {
      offsets = toOffsets(dynamicOffsets);
      length = offsets.length;
    }
    const { holder } = record;
    if (group !== null && group.heldBy !== holder.serial) holder.hold(group);
    ${use}
    if (length > 64) {
      stream.record((writer) => ${write}(writer, $index, group, offsets, start, length));
      return;
    }
    ${write}(stream.writer, $index, group, offsets, start, length);
    stream.recorded();
  }`;
}

function setImmediates(begin: string, use: string, write: string, what: string): string {
  return `setImmediates(rangeOffset: number, data: GPUAllowSharedBufferSource, dataOffset: number = 0, dataSize: number | undefined = undefined): undefined {
    ${begin}
    requireArguments(arguments.length, 2, ${what});
    const $rangeOffset = toUint32(rangeOffset, ${what});
    const bytes = cutImmediates(data, dataOffset, dataSize, ${what});
    ${use}
    stream.recordData(bytes, (writer, content) => ${write}(writer, $rangeOffset, content));
  }`;
}
