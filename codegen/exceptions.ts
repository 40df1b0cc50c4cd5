import type { Field } from "./wire.ts";

// Everything about the wire that does not follow from the specification's WebIDL by the rules of
// commands.ts and wire.ts stands here, each with its reason.

/** What the decoder keeps as current, so that the commands of its methods need not name it. */
export const CURRENT_KINDS: readonly string[] = [
  "GPUDevice",
  "GPUCommandEncoder",
  "GPURenderPassEncoder",
  "GPUComputePassEncoder",
  "GPURenderBundleEncoder",
];

/** A device has one queue, and the queue has its device's id: no command names it. */
export const IMPLIED_INTERFACES: ReadonlySet<string> = new Set([...CURRENT_KINDS, "GPUQueue"]);

/** Objects that have ids on the wire but are no interface of the specification. */
export const EXTRA_OBJECTS: readonly string[] = [
  // A canvas that the program draws to. There is no canvas at the worker.
  "Surface",
];

/** Interfaces whose objects never travel. */
export const ABSENT_OBJECTS: ReadonlyMap<string, string> = new Map([
  ["GPU", "It has no state: its methods are commands without a target."],
  ["GPUCanvasContext", "A surface stands for it."],
  ["GPUExternalTexture", "Nothing can create one: importExternalTexture throws in the guest."],
  ["GPUError", "It travels inside a reply, by value."],
]);

/** Methods that are no command of the same shape. */
export const ABSENT_METHODS: ReadonlyMap<string, string> = new Map([
  ["GPU.getPreferredCanvasFormat", "The handshake carries the answer."],
  ["GPUDevice.importExternalTexture", "Dawn for Node has no external textures; the guest throws."],
  ["GPUBuffer.getMappedRange", "Mapped memory is the guest's; its content travels with unmap."],
  ["GPUBuffer.unmap", "It carries what was written: see bufferUnmap below."],
  [
    "GPUQueue.copyExternalImageToTexture",
    "The guest decodes and converts the image and writes the texels with queueWriteTexture.",
  ],
  ["GPUCanvasContext.configure", "See surfaceConfigure below."],
  ["GPUCanvasContext.unconfigure", "See surfaceUnconfigure below."],
  ["GPUCanvasContext.getConfiguration", "The guest answers from what it knows."],
  ["GPUCanvasContext.getCurrentTexture", "See surfaceGetCurrentTexture below."],
]);

/** Arguments that do not travel, by method and overload. */
export const ABSENT_ARGUMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  // The guest cuts the data to what is meant before it sends it.
  ["setImmediates", ["dataOffset", "dataSize"]],
  ["writeBuffer", ["dataOffset", "size"]],
]);

/**
 * Of a method's overloads the one with the most arguments travels: the guest fills in what the
 * others leave out (copyBufferToBuffer's offsets are 0).
 *
 * setBindGroup's is written out: the three arguments that select a range of a Uint32Array are one
 * list on the wire.
 */
export const REPLACED_ARGUMENTS: ReadonlyMap<string, readonly Field[]> = new Map([
  [
    "setBindGroup",
    [
      field("index", { kind: "u32", nullable: false }),
      field("bindGroup", { kind: "object", name: "GPUBindGroup", nullable: true }),
      field("dynamicOffsets", { kind: "offsets", nullable: false }),
    ],
  ],
]);

/** Dictionaries that never travel. */
export const ABSENT_DICTIONARIES: ReadonlyMap<string, string> = new Map([
  ["GPUExternalTextureDescriptor", "See GPUDevice.importExternalTexture."],
  ["GPUCopyExternalImageSourceInfo", "See GPUQueue.copyExternalImageToTexture."],
  ["GPUCopyExternalImageDestInfo", "See GPUQueue.copyExternalImageToTexture."],
  ["GPUOrigin2DDict", "Only GPUCopyExternalImageSourceInfo uses it."],
  ["GPUPipelineErrorInit", "An argument of a constructor in the guest."],
  ["GPUUncapturedErrorEventInit", "An argument of a constructor in the guest."],
  ["GPUCanvasConfiguration", "SurfaceConfiguration is it without the device, which is implied."],
  // The bases of others, never used by themselves.
  ["GPUObjectDescriptorBase", "Only inherited from."],
  ["GPUPipelineDescriptorBase", "Only inherited from."],
  ["GPURenderPassLayout", "Only inherited from."],
]);

/** Enums that never travel. */
export const ABSENT_ENUMS: ReadonlyMap<string, string> = new Map([
  ["GPUBufferMapState", "The guest answers from what it knows."],
]);

/** Dictionaries of the wire made of one of the specification's, less some members. */
export const DERIVED_DICTIONARIES: readonly {
  readonly name: string;
  readonly from: string;
  readonly without: readonly string[];
}[] = [{ name: "SurfaceConfiguration", from: "GPUCanvasConfiguration", without: ["device"] }];

/** Dictionaries of the wire's own. */
export const OWN_DICTIONARIES: readonly {
  readonly name: string;
  readonly fields: readonly Field[];
}[] = [
  {
    name: "WrittenRange",
    fields: [
      field("offset", { kind: "u64", nullable: false }),
      field("size", { kind: "u64", nullable: false }),
    ],
  },
];

const surface = field("surface", { kind: "object", name: "Surface", nullable: false });

/** Commands that are no method of the specification, or not in its shape. */
export const OWN_COMMANDS: readonly {
  readonly name: string;
  readonly fields: readonly Field[];
  readonly meaning: string;
}[] = [
  ...CURRENT_KINDS.map((name) => ({
    name: `use${name.slice("GPU".length)}`,
    fields: [field(target(name), { kind: "object", name, nullable: false } as const)],
    meaning: `Makes it the current ${name}.`,
  })),
  {
    name: "bufferUnmap",
    fields: [
      field("buffer", { kind: "object", name: "GPUBuffer", nullable: false }),
      field("ranges", {
        kind: "sequence",
        of: { kind: "dictionary", name: "WrittenRange", nullable: false },
        nullable: false,
      }),
      field("data", { kind: "bytes", nullable: false }),
    ],
    meaning:
      "Unmaps the buffer, or ends a pending map. The data is the content of the written ranges, one after the other; its length is the sum of their sizes.",
  },
  {
    name: "setLabel",
    fields: [
      field("kind", { kind: "u32", nullable: false }),
      field("id", { kind: "u32", nullable: false }),
      field("label", { kind: "label", nullable: false }),
    ],
    meaning: "Labels an object. A queue has its device's id.",
  },
  {
    name: "release",
    fields: [
      field("kind", { kind: "u32", nullable: false }),
      field("handle", { kind: "handle", name: "any", nullable: false }),
    ],
    meaning:
      "The program can no longer reach the object; its id may be used again, at a higher generation. A buffer, texture or query set is destroyed.",
  },
  {
    name: "surfaceCreate",
    fields: [field("handle", { kind: "handle", name: "Surface", nullable: false })],
    meaning: "Makes a surface: a canvas of the program.",
  },
  {
    name: "surfaceConfigure",
    fields: [
      surface,
      field("width", { kind: "u32", nullable: false }),
      field("height", { kind: "u32", nullable: false }),
      field("configuration", {
        kind: "dictionary",
        name: "SurfaceConfiguration",
        nullable: false,
      }),
    ],
    meaning:
      "Sets how the surface's next textures are made, on the current device. The width and height are the canvas's; another command follows when they change.",
  },
  { name: "surfaceUnconfigure", fields: [surface], meaning: "Undoes surfaceConfigure." },
  {
    name: "surfaceGetCurrentTexture",
    fields: [surface, field("handle", { kind: "handle", name: "GPUTexture", nullable: false })],
    meaning: "Makes the texture for the surface's next frame, at most one until it is presented.",
  },
  {
    name: "surfacePresent",
    fields: [surface],
    meaning: "Shows the surface's current texture and ends its use.",
  },
  {
    name: "animation",
    fields: [field("running", { kind: "boolean", nullable: false })],
    meaning: "The program wants ticks, or no longer.",
  },
  {
    name: "endFrame",
    fields: [field("tick", { kind: "u32", nullable: false })],
    meaning: "Answers the tick: all that its callbacks recorded stands before this.",
  },
];

/** Replies are written by hand in shared/wire/replies.ts; their numbers are kept with the others. */
export const REPLIES: readonly string[] = [
  "adapter",
  "device",
  "resolved",
  "rejected",
  "errorScope",
  "compilationInfo",
  "mapped",
  "uncapturedError",
  "deviceLost",
];

function field(name: string, type: Field["type"]): Field {
  return { name, type, optional: false, default: undefined };
}

/** The name of an argument that is an object of this interface: "GPURenderPipeline" → "renderPipeline". */
export function target(name: string): string {
  const bare = name.replace(/^GPU/, "");
  return bare.charAt(0).toLowerCase() + bare.slice(1);
}
