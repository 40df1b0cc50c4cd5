import { numbersOf, type Context, type GeneratedFile } from "./context.ts";
import { BANNER, constantCase } from "./emit.ts";

/** Opcodes, kinds, replies and enums. */
export function generateNumbers(context: Context): readonly GeneratedFile[] {
  const { lock } = context;
  const opcodes = context.commands.map(({ name }) => name);
  const replies = Object.keys(lock.replies);
  const numbers = `${BANNER}/** The major changes when an older peer can no longer be understood. */
export const PROTOCOL_MAJOR = ${lock.major};
/** The minor grows when something is appended. */
export const PROTOCOL_MINOR = ${lock.minor};

export const Opcode = { ${pairs(opcodes, lock.opcodes)} } as const;

/** Opcodes at and over this are unknown to this build. */
export const OPCODE_COUNT = ${Math.max(...Object.values(lock.opcodes)) + 1};

export const ObjectKind = { ${pairs(context.objects, lock.kinds)} } as const;

export const ReplyKind = { ${pairs(replies, lock.replies)} } as const;
`;
  const enums = context.enums.map(({ name, values }) => {
    const locked = lock.enums[name]!;
    const names: string[] = [];
    for (const value of values) names[numbersOf(locked, value)] = JSON.stringify(value);
    const list = Array.from(names, (text) => text ?? "undefined").join(", ");
    const constant = constantCase(name);
    return `export type ${name} = ${values.map((value) => JSON.stringify(value)).join(" | ")};
export const ${constant}_NAMES: readonly (${name} | undefined)[] = [${list}];
export const ${constant}_NUMBERS: Readonly<Record<${name}, number>> = { ${values
      .map((value) => `${JSON.stringify(value)}: ${numbersOf(locked, value)},`)
      .join("\n")} };
`;
  });
  return [
    { path: "shared/wire/gen/numbers.ts", text: numbers },
    { path: "shared/wire/gen/enums.ts", text: BANNER + enums.join("\n") },
  ];
}

function pairs(names: readonly string[], numbers: Readonly<Record<string, number>>): string {
  return names.map((name) => `${name}: ${numbersOf(numbers, name)},`).join("\n");
}
