import type { Command } from "./commands.ts";
import { numbersOf, type Context, type GeneratedFile } from "./context.ts";
import { BANNER, typeText } from "./emit.ts";
import { CURRENT_KINDS, target } from "./exceptions.ts";
import type { Field, WireType } from "./wire.ts";

// The worker's side: tables of what the guest made, and the commands that are calls into Dawn and
// nothing else.

/** Commands that server/replay/command-replayer.ts replays by hand, with the reason of each group. */
const BY_HAND: readonly (readonly [reason: string, names: readonly string[]])[] = [
  [
    "Promises: a reply answers them.",
    [
      "requestAdapter",
      "adapterRequestDevice",
      "deviceCreateComputePipelineAsync",
      "deviceCreateRenderPipelineAsync",
      "devicePopErrorScope",
      "bufferMapAsync",
      "shaderModuleGetCompilationInfo",
      "queueOnSubmittedWorkDone",
    ],
  ],
  ["Replay keeps scopes of its own beside Dawn's.", ["devicePushErrorScope"]],
  [
    "Buffers that are mapped for writing are made otherwise: see server/replay/write-mapping.ts.",
    [
      "deviceCreateBuffer",
      "bufferUnmap",
      "bufferDestroy",
      "commandEncoderCopyBufferToBuffer",
      "commandEncoderCopyBufferToTexture",
      "commandEncoderCopyTextureToBuffer",
      "commandEncoderClearBuffer",
      "queueWriteBuffer",
      "queueSubmit",
    ],
  ],
  [
    "They take of the session's budget: see server/replay/resource-replayer.ts.",
    [
      "deviceDestroy",
      "deviceCreateTexture",
      "deviceCreateQuerySet",
      "deviceCreateShaderModule",
      "deviceCreateComputePipeline",
      "deviceCreateRenderPipeline",
      "querySetDestroy",
      "queueWriteTexture",
      "computePassEncoderDispatchWorkgroups",
    ],
  ],
  [
    "What records has a state of its own: see server/replay/encoder-state.ts.",
    [
      "deviceCreateCommandEncoder",
      "deviceCreateRenderBundleEncoder",
      "commandEncoderBeginRenderPass",
      "commandEncoderBeginComputePass",
      "commandEncoderFinish",
      "renderBundleEncoderFinish",
      "renderPassEncoderEnd",
      "computePassEncoderEnd",
    ],
  ],
  [
    "What is bound already is left out: see server/replay/bound-state.ts.",
    [
      "renderPassEncoderSetPipeline",
      "renderPassEncoderSetBindGroup",
      "renderPassEncoderSetVertexBuffer",
      "renderPassEncoderSetIndexBuffer",
      "renderPassEncoderExecuteBundles",
      "renderBundleEncoderSetPipeline",
      "renderBundleEncoderSetBindGroup",
      "renderBundleEncoderSetVertexBuffer",
      "renderBundleEncoderSetIndexBuffer",
      "computePassEncoderSetPipeline",
      "computePassEncoderSetBindGroup",
    ],
  ],
  [
    "Arguments that only repeat a default are kept from Dawn, which takes time for each.",
    [
      "renderPassEncoderDraw",
      "renderPassEncoderDrawIndexed",
      "renderBundleEncoderDraw",
      "renderBundleEncoderDrawIndexed",
    ],
  ],
  ["A texture that was presented is capture's to destroy.", ["textureDestroy"]],
  [
    "Commands of the wire's own.",
    [
      "setLabel",
      "release",
      "surfaceCreate",
      "surfaceConfigure",
      "surfaceUnconfigure",
      "surfaceGetCurrentTexture",
      "surfacePresent",
      "animation",
      "endFrame",
    ],
  ],
];

/** Objects that have an id and no table: a queue goes by its device's. */
const WITHOUT_TABLE: ReadonlySet<string> = new Set(["GPUQueue"]);

/** Objects of which the tables hold a record that has Dawn's object as `dawn`. */
const RECORDS: ReadonlySet<string> = new Set(CURRENT_KINDS);

export function generateReplay(context: Context): readonly GeneratedFile[] {
  return [
    { path: "server/replay/gen/objects.ts", text: objectsText(context) },
    { path: "server/replay/gen/generic-sink.ts", text: sinkText(context) },
  ];
}

function objectsText({ objects, lock, model }: Context): string {
  const tables = objects.filter((name) => !WITHOUT_TABLE.has(name));
  const labelCases = objects
    .filter((name) => model.interfaces.get(name)?.labelled === true)
    .map((name) => {
      const object = WITHOUT_TABLE.has(name) ? `this.${name}(id)` : `this.${field(name)}.get(id)`;
      const suffix = RECORDS.has(name) ? ".dawn" : "";
      return `case ${numbersOf(lock.kinds, name)}: return ${object}${suffix};`;
    });
  return `${BANNER}import type { ObjectResolver } from "#shared/wire/gen/objects.ts";
import type { DawnObjects } from "../dawn-types.ts";
import type { ObjectBudget } from "../object-budget.ts";
import { ObjectTable } from "../object-table.ts";
import type { StagedPayload } from "../staged-payload.ts";

/** All objects of one connection, by kind and id. */
export class Objects implements ObjectResolver<DawnObjects> {
  ${tables.map((name) => `readonly ${field(name)}: ObjectTable<DawnObjects["${name}"]>;`).join("\n")}
  readonly #payload: StagedPayload;

  constructor(payload: StagedPayload, budget: ObjectBudget) {
    this.#payload = payload;
    ${tables.map((name) => `this.${field(name)} = new ObjectTable("${name}", budget);`).join("\n")}
  }

  /** Empties every table. What has to be destroyed on Dawn was drained from its own table before. */
  drain(): void {
    ${tables.map((name) => `this.${field(name)}.clear();`).join("\n")}
  }

  ${tables.map((name) => `${name}(id: number): DawnObjects["${name}"] { return this.${field(name)}.get(id); }`).join("\n")}
  GPUQueue(id: number): GPUQueue { return this.${field("GPUDevice")}.get(id).dawn.queue; }

  takePayload(length: number): Uint8Array { return this.#payload.take(length); }

  /** The table of a kind by its number on the wire; undefined where it has none. */
  table(kind: number): ObjectTable<DawnObjects[keyof DawnObjects]> | undefined {
    switch (kind) {
      ${tables.map((name) => `case ${numbersOf(lock.kinds, name)}: return this.${field(name)};`).join("\n")}
      default: return undefined;
    }
  }

  /** Dawn's object of a kind that has labels; undefined for another kind. */
  labelled(kind: number, id: number): GPUObjectBase | undefined {
    switch (kind) {
      ${labelCases.join("\n")}
      default: return undefined;
    }
  }
}
`;
}

/** "GPUQuerySet" → "querySets". */
function field(name: string): string {
  return `${target(name)}s`;
}

function sinkText(context: Context): string {
  const byHand = new Set(BY_HAND.flatMap(([, names]) => names));
  const known = new Set(context.commands.map(({ name }) => name));
  for (const name of byHand) {
    if (!known.has(name)) throw new Error(`${name} is replayed by hand and is no command.`);
  }
  const generic = context.commands.filter(({ name }) => !byHand.has(name));
  const used = new Set<string>();
  const methods = generic.map((command) => sinkMethod(command, context, used));
  const enums = context.enums.filter(({ name }) => used.has(name)).map(({ name }) => name);
  const dictionaries = [...used].filter((name) => !enums.includes(name)).toSorted();
  return `${BANNER}import type { CommandSink } from "#shared/wire/gen/command-sink.ts";
import type { ${dictionaries.join(", ")} } from "#shared/wire/gen/dictionaries.ts";
${enums.length === 0 ? "" : `import type { ${enums.join(", ")} } from "#shared/wire/gen/enums.ts";`}
import type { Handle } from "#shared/wire/handles.ts";
import type { CurrentObjects } from "../current-objects.ts";
import { dawn, type DawnObjects as M } from "../dawn-types.ts";
import type { Objects } from "./objects.ts";

/** The commands that are replayed by hand. */
export type ByHand = ${[...byHand].map((name) => `"${name}"`).join(" | ")};

/** Replays the commands that are calls into Dawn and nothing else. */
export class GenericSink implements Omit<CommandSink<M>, ByHand> {
  protected readonly objects: Objects;
  protected readonly current: CurrentObjects;

  constructor(objects: Objects, current: CurrentObjects) {
    this.objects = objects;
    this.current = current;
  }

  ${methods.join("\n\n")}
}
`;
}

function sinkMethod(command: Command, context: Context, used: Set<string>): string {
  const parameters = command.fields.map(({ name, type, optional, default: fallback }) => {
    noteNames(type, used);
    const isAbsent = optional && fallback === undefined;
    return `${name}: ${typeText(type, context)}${isAbsent ? " | undefined" : ""}`;
  });
  return `${command.name}(${parameters.join(", ")}): void { ${sinkBody(command)} }`;
}

function sinkBody({ name, fields, method }: Command): string {
  if (method === undefined) {
    const [only] = fields;
    if (!name.startsWith("use") || only === undefined) throw new Error(`No code replays ${name}.`);
    return `this.current.${only.name} = ${only.name};`;
  }
  if (method.isPromise) throw new Error(`${name} is a promise: it is replayed by hand.`);
  const owner = target(method.interface);
  const isQueue = method.interface === "GPUQueue";
  const object = method.isImplied
    ? `this.current.${isQueue ? "device.dawn.queue" : `${owner}.dawn`}`
    : owner;
  const own = fields.filter((each) => each.type.kind !== "handle" && each.name !== owner);
  const call = `${object}.${method.name}(${own.map(argument).join(", ")})`;
  if (method.creates === undefined) return `${call};`;
  return `this.objects.${field(method.creates)}.allocate(handle, ${call});`;
}

function argument({ name, type }: Field): string {
  if (type.kind === "offsets") throw new Error("Offsets are replayed by hand.");
  return type.kind === "dictionary" ? `dawn(${name})` : name;
}

function noteNames(type: WireType, used: Set<string>): void {
  if (type.kind === "sequence" || type.kind === "record") noteNames(type.of, used);
  if (type.kind === "dictionary" || type.kind === "union" || type.kind === "enum") {
    used.add(type.name);
  }
}
