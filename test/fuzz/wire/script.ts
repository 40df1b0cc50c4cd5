import type { Command } from "#codegen/commands.ts";
import type { Context } from "#codegen/context.ts";
import { UpFrame } from "#shared/wire/frames.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { Handle } from "#shared/wire/handles.ts";
import { Writer } from "#shared/wire/writer.ts";
import type { Values } from "#test/unit/wire/arbitraries.ts";
import { encodeCommand } from "#test/unit/wire/codec.ts";
import type { Random } from "../random.ts";
import { Handles, type Kind } from "./handles.ts";
import { asKind, type WireValues } from "./values.ts";

/** A message to the worker is an up frame: its kind in a byte, then its payload. */
function upMessage(kind: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(kind), payload]);
}

/** One guest's stream as it is written: each command a message, on the objects that were made before it. */
export class Script {
  readonly random: Random;
  readonly handles: Handles;
  readonly messages: Buffer[] = [];
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #values: WireValues;
  readonly #writer = new Writer();
  /** Ids of the objects that commands mean without naming them. */
  readonly #current = new Map<Kind, number>();
  #request = 0;

  constructor({ commands }: Context, values: WireValues, random: Random) {
    this.random = random;
    this.handles = new Handles(random);
    this.#values = values;
    this.#commands = new Map(commands.map((command) => [command.name, command]));
  }

  /** Writes a command: what is not given is plausible, or random. Returns the handle that it made, if it makes one. */
  say(name: string, given: Values = {}): Handle {
    const command = this.#commands.get(name);
    if (command === undefined) throw new Error(`There is no command ${name}.`);
    const kind = command.method?.creates;
    const handle = kind === undefined ? { id: 0, generation: 0 } : this.handles.make(asKind(kind));
    const own = { request: ++this.#request, ...(kind === undefined ? {} : { handle }), ...given };
    const { random, handles } = this;
    const values = this.#values.fields(command.fields, own, command.name, random, handles);
    encodeCommand(this.#writer, command, values);
    this.messages.push(upMessage(UpFrame.commands, this.#writer.take()));
    if (kind !== undefined && kind !== "GPUDevice") this.#current.set(asKind(kind), handle.id);
    return handle;
  }

  /** Makes the object the one that commands mean. */
  use(kind: Kind, { id }: Handle): void {
    const name = kind.slice("GPU".length);
    const field = name.charAt(0).toLowerCase() + name.slice(1);
    this.say(`use${name}`, { [field]: { kind: ObjectKind[kind], id } });
    this.#current.set(kind, id);
  }

  ref(kind: Kind, { id }: Handle): object {
    return { kind: ObjectKind[kind], id };
  }

  /** Releases an object of the kind, where more than `keep` are alive: at least one stays to be named. */
  release(kind: Kind, keep = 2): void {
    const handle = this.handles.release(kind, keep);
    if (handle === undefined) return;
    if (this.#current.get(kind) === handle.id) this.#current.delete(kind);
    this.say("release", { kind: ObjectKind[kind], handle });
  }

  /** Data ahead of the command that takes it, cut into chunks. */
  stage(bytes: Buffer): void {
    const total = Buffer.alloc(8);
    total.writeDoubleLE(bytes.length);
    this.messages.push(upMessage(UpFrame.payloadBegin, total));
    const chunk = Math.max(1, Math.ceil(bytes.length / (1 + this.random.below(3))));
    for (let at = 0; at < bytes.length; at += chunk) {
      this.messages.push(upMessage(UpFrame.payloadChunk, bytes.subarray(at, at + chunk)));
    }
  }

  /** The last message, which is a command, as a staged batch in its place. */
  stageLast(): void {
    const last = this.messages.pop();
    if (last === undefined) return;
    this.stage(last.subarray(1));
    this.messages.push(upMessage(UpFrame.stagedCommands, Buffer.alloc(0)));
  }

  /** One command of any kind whose objects there are. */
  anything(): void {
    const usable = [...this.#commands.values()].filter((command) => this.#isUsable(command));
    const { name } = this.random.pick(usable);
    if (DELICATE.has(name) && this.random.chance(0.95)) return;
    if (name === "release") this.release(this.random.pick(RELEASABLE), 1);
    else if (name.startsWith("use")) this.#useAny(name);
    else if (name === "surfaceCreate") this.say(name, { handle: this.handles.make("Surface") });
    else this.say(name);
  }

  #useAny(name: string): void {
    const kind = asKind(`GPU${name.slice("use".length)}`);
    this.use(kind, this.handles.any(kind));
  }

  #isUsable({ fields, method }: Command): boolean {
    const meant = method?.interface === "GPUQueue" ? "GPUDevice" : method?.interface;
    if (method?.isImplied === true && !this.#current.has(asKind(meant ?? ""))) return false;
    return fields.every(
      ({ type, optional }) =>
        optional || type.nullable || type.kind !== "object" || this.handles.has(asKind(type.name)),
    );
  }
}

/** Commands that mostly end the stream where they are not in their place. */
const DELICATE: ReadonlySet<string> = new Set([
  "requestAdapter",
  "adapterRequestDevice",
  "bufferUnmap",
  "deviceCreateComputePipelineAsync",
  "deviceCreateRenderPipelineAsync",
  "deviceDestroy",
  "setLabel",
  "surfaceGetCurrentTexture",
  "surfacePresent",
]);

const RELEASABLE = Object.keys(ObjectKind)
  .map(asKind)
  .filter((kind) => kind !== "GPUQueue" && kind !== "GPUDevice" && kind !== "GPUAdapter");
