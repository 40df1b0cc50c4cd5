import {
  ABSENT_ARGUMENTS,
  ABSENT_METHODS,
  IMPLIED_INTERFACES,
  OWN_COMMANDS,
  REPLACED_ARGUMENTS,
  target,
} from "./exceptions.ts";
import type { Interface, Method, Model, Overload } from "./model.ts";
import { lowerField, type Field } from "./wire.ts";

/** One command: a method of the specification, or one of the wire's own. */
export type Command = {
  /** "renderPassEncoderDraw": of the sink's method and of the opcode. */
  readonly name: string;
  /** In the order of the functions' arguments: request, target, handle, the method's own. */
  readonly fields: readonly Field[];
  readonly meaning: string;
  /** The method that it carries; the wire's own commands have none. */
  readonly method:
    | {
        readonly interface: string;
        readonly name: string;
        readonly overload: Overload;
        /** Whether a reply answers it; then its first field is `request`. */
        readonly isPromise: boolean;
        /** Whether the target is the current object, not a field. */
        readonly isImplied: boolean;
        /** The interface of the object that it creates. */
        readonly creates: string | undefined;
      }
    | undefined;
};

/** All commands in the specification's order, then the wire's own. */
export function buildCommands(model: Model, objects: readonly string[]): readonly Command[] {
  const known = new Set(objects);
  const commands: Command[] = [];
  for (const each of model.interfaces.values()) {
    if (each.name !== "GPU" && !known.has(each.name) && each.name !== "GPUCanvasContext") continue;
    for (const method of each.methods) {
      if (ABSENT_METHODS.has(`${each.name}.${method.name}`)) continue;
      commands.push(buildCommand(each, method, known));
    }
  }
  for (const { name, fields, meaning } of OWN_COMMANDS) {
    commands.push({ name, fields, meaning, method: undefined });
  }
  return commands;
}

function buildCommand(owner: Interface, method: Method, known: ReadonlySet<string>): Command {
  const overload = method.overloads.reduce((longest, each) =>
    each.arguments.length > longest.arguments.length ? each : longest,
  );
  const { returns, isPromise } = overload;
  const isImplied = IMPLIED_INTERFACES.has(owner.name);
  const creates = returns.kind === "object" && known.has(returns.name) ? returns.name : undefined;
  const fields: Field[] = [];
  if (isPromise) fields.push(required("request", { kind: "u32", nullable: false }));
  if (!isImplied && owner.name !== "GPU") {
    fields.push(
      required(target(owner.name), { kind: "object", name: owner.name, nullable: false }),
    );
  }
  if (creates !== undefined) {
    fields.push(required("handle", { kind: "handle", name: creates, nullable: false }));
  }
  const absent = ABSENT_ARGUMENTS.get(method.name) ?? [];
  fields.push(
    ...(REPLACED_ARGUMENTS.get(method.name) ??
      overload.arguments.filter(({ name }) => !absent.includes(name)).map(lowerField)),
  );
  const bare = target(owner.name);
  return {
    name: owner.name === "GPU" ? method.name : bare + capitalize(method.name),
    fields,
    meaning: `${owner.name}.${method.name}`,
    method: {
      interface: owner.name,
      name: method.name,
      overload,
      isPromise,
      isImplied,
      creates,
    },
  };
}

function required(name: string, type: Field["type"]): Field {
  return { name, type, optional: false, default: undefined };
}

export function capitalize(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
