import { beforeAll, describe, expect, test } from "vitest";
import { answerDevices, RecordingWorker } from "./recording-worker.ts";

type Class = {
  new (...rest: unknown[]): object;
  readonly prototype: object;
  readonly name: string;
};

const worker = new RecordingWorker();
const scope: Record<string, Class> = {};
worker.guest.installGlobals(scope);
let device: GPUDevice;
let adapter: GPUAdapter;

beforeAll(async () => {
  adapter = (await worker.guest.gpu.requestAdapter())!;
  device = await adapter.requestDevice();
});

const NAMESPACES = [
  "GPUBufferUsage",
  "GPUColorWrite",
  "GPUMapMode",
  "GPUShaderStage",
  "GPUTextureUsage",
];
const CONSTRUCTIBLE = [
  "GPUValidationError",
  "GPUOutOfMemoryError",
  "GPUInternalError",
  "GPUPipelineError",
  "GPUUncapturedErrorEvent",
];
const CLASSES = Object.getOwnPropertyNames(scope).filter((name) => !NAMESPACES.includes(name));

/** As `new` of a program's, with values that types forbid. */
function construct(name: string, ...rest: unknown[]): object {
  const constructor = scope[name];
  if (constructor === undefined) throw new Error(`No interface has the name ${name}.`);
  return new constructor(...rest);
}

/** Calls an interface's method on any value. */
function callOn(receiver: unknown, name: string, method: string, ...rest: unknown[]): unknown {
  const value: unknown = Reflect.get(scope[name]!.prototype, method);
  if (typeof value !== "function") throw new Error(`${name} has no method ${method}.`);
  return Reflect.apply(value, receiver, rest);
}

test("all interfaces and namespaces are properties of the global that for-in does not see", () => {
  expect(Object.keys(scope)).toEqual([]);
  expect(CLASSES).toHaveLength(36);
  for (const name of NAMESPACES) expect(scope).toHaveProperty(name);
});

test.for(CLASSES.filter((name) => !CONSTRUCTIBLE.includes(name)))(
  "a program cannot construct a %s",
  (name) => {
    expect(() => construct(name)).toThrow(new TypeError("Illegal constructor"));
    expect(scope[name]!.length).toBe(0);
  },
);

test.for(CLASSES)("%s has its name for a tag, and members that for-in sees", (name) => {
  const { prototype } = scope[name]!;
  expect(Reflect.get(prototype, Symbol.toStringTag)).toBe(name);
  const members = Object.entries(Object.getOwnPropertyDescriptors(prototype));
  const hidden = members.filter(([, { enumerable }]) => enumerable !== true);
  expect(hidden.map(([key]) => key)).toEqual(["constructor"]);
});

test("an object's tag is its interface's", () => {
  expect(Object.prototype.toString.call(device.queue)).toBe("[object GPUQueue]");
});

test.for([
  ["GPUDevice", "createBuffer", 1],
  ["GPUDevice", "createSampler", 0],
  ["GPUBuffer", "mapAsync", 1],
  ["GPUBuffer", "getMappedRange", 0],
  ["GPUTexture", "createView", 0],
  ["GPURenderPassEncoder", "draw", 1],
  ["GPURenderPassEncoder", "setBindGroup", 2],
  ["GPURenderPassEncoder", "setVertexBuffer", 2],
  ["GPURenderPassEncoder", "setViewport", 6],
  ["GPUCommandEncoder", "copyBufferToBuffer", 2],
  ["GPUQueue", "writeBuffer", 3],
  ["GPU", "requestAdapter", 0],
  ["GPUSupportedFeatures", "forEach", 1],
  ["GPUSupportedFeatures", "has", 1],
] as const)("%s.%s has the length %d", ([name, method, length]) => {
  expect(Reflect.get(scope[name]!.prototype, method)).toHaveLength(length);
});

test("inheritance is the specification's", () => {
  expect(device).toBeInstanceOf(EventTarget);
  expect(device).toBeInstanceOf(scope["GPUDevice"]);
  expect(Object.getPrototypeOf(scope["GPUValidationError"])).toBe(scope["GPUError"]);
  expect(Object.getPrototypeOf(scope["GPUPipelineError"])).toBe(DOMException);
  expect(Object.getPrototypeOf(scope["GPUUncapturedErrorEvent"])).toBe(Event);
});

const EVENT_TARGETS: readonly (readonly [string, () => EventTarget])[] = [
  ["GPUDevice", () => device],
  ["AbortSignal", () => new AbortController().signal], // The control: what the platform itself does.
];

describe("EventTarget's methods", () => {
  const METHODS = ["addEventListener", "dispatchEvent", "removeEventListener"] as const;

  /** Whether a shim of EventTarget's method is called for this object. */
  function isShimCalled(target: EventTarget, method: (typeof METHODS)[number]): boolean {
    let isCalled = false;
    const own = Object.getOwnPropertyDescriptor(EventTarget.prototype, method)!;
    Object.defineProperty(EventTarget.prototype, method, {
      ...own,
      value: () => {
        isCalled = true;
      },
    });
    Reflect.apply(Reflect.get(target, method), target, ["shimmed", () => {}]);
    Object.defineProperty(EventTarget.prototype, method, own);
    return isCalled;
  }

  test.for(EVENT_TARGETS)("are inherited by %s, where a shim of them is called", ([, make]) => {
    const target = make();
    for (const method of METHODS) {
      expect(Object.hasOwn(Object.getPrototypeOf(target), method)).toBe(false);
      expect(isShimCalled(target, method)).toBe(true);
    }
  });

  // The conformance suite does so (method_replacement) before it looks whether a shim is called.
  test.for(EVENT_TARGETS)(
    "stay %s's own where a program replaced them and put them back",
    ([, make]) => {
      const target = make();
      const prototype: object = Object.getPrototypeOf(target);
      const original: unknown = Reflect.get(prototype, "removeEventListener");
      Reflect.set(prototype, "removeEventListener", () => {});
      Reflect.set(prototype, "removeEventListener", original);
      expect(isShimCalled(target, "removeEventListener")).toBe(false);
      Reflect.deleteProperty(prototype, "removeEventListener");
      expect(isShimCalled(target, "removeEventListener")).toBe(true);
    },
  );
});

test("getters refuse objects of other interfaces", () => {
  const { prototype } = scope["GPUBuffer"]!;
  const buffer = device.createBuffer({ size: 4, usage: 8 });
  expect(Reflect.get(prototype, "size", buffer)).toBe(4);
  for (const value of [{}, null, device, prototype]) {
    expect(() => Reflect.get(prototype, "size", value)).toThrow(TypeError);
  }
});

test("methods refuse objects of other interfaces", () => {
  const buffer = device.createBuffer({ size: 4, usage: 8 });
  expect(() => callOn(buffer, "GPUBuffer", "unmap")).not.toThrow();
  expect(() => callOn(device.queue, "GPUBuffer", "unmap")).toThrow(TypeError);
  const colorAttachments = [
    {
      view: device.createTexture({ size: [1], format: "r8unorm", usage: 16 }).createView(),
      loadOp: "load",
      storeOp: "store",
    } as const,
  ];
  const encoder = device.createCommandEncoder();
  const renderPass = encoder.beginRenderPass({ colorAttachments });
  const computePass = device.createCommandEncoder().beginComputePass();
  expect(() => callOn(renderPass, "GPURenderPassEncoder", "draw", 3)).not.toThrow();
  expect(() => callOn(computePass, "GPURenderPassEncoder", "draw", 3)).toThrow(TypeError);
});

test("methods and getters that return promises reject where others throw", async () => {
  await expect(callOn(device, "GPUBuffer", "mapAsync", 1)).rejects.toThrow(TypeError);
  const lost: unknown = Reflect.get(scope["GPUDevice"]!.prototype, "lost", {});
  await expect(lost).rejects.toThrow(TypeError);
});

describe("features", () => {
  test("are properly setlike", () => {
    const { features } = adapter;
    const names = ["core-features-and-limits", "float32-filterable"];
    expect(features.size).toBe(2);
    expect(features.has("float32-filterable")).toBe(true);
    expect(features.has("shader-f16")).toBe(false);
    expect(features.has("a-feature-of-tomorrow")).toBe(false); // Though the worker has it.
    expect([...features]).toEqual(names);
    expect([...features.keys()]).toEqual(names);
    expect([...features.entries()]).toEqual(names.map((name) => [name, name]));
    const seen: unknown[] = [];
    features.forEach(function collect(this: unknown, value, key, set) {
      seen.push([value, key, set === features, this]);
    }, "this");
    expect(seen).toEqual(names.map((name) => [name, name, true, "this"]));
    const values: unknown = Reflect.get(features, "values");
    expect(Reflect.get(features, Symbol.iterator)).toBe(values);
    expect(Reflect.get(features, "keys")).toBe(values);
    expect("add" in features).toBe(false);
  });

  test("of WGSL are one object, which fills with the welcome", async () => {
    const fresh = new RecordingWorker();
    const { gpu } = fresh.guest;
    const features = gpu.wgslLanguageFeatures;
    expect(features.size).toBe(0);
    await gpu.requestAdapter();
    expect([...features]).toEqual(["packed_4x8_integer_dot_product"]);
    expect(gpu.wgslLanguageFeatures).toBe(features);
    expect(gpu.getPreferredCanvasFormat()).toBe("rgba8unorm");
  });
});

test("limits and info are getters of the prototype, and the same objects each time", () => {
  expect(adapter.limits.maxBufferSize).toBe(1 << 28);
  expect(adapter.limits).toBe(adapter.limits);
  expect(Object.keys(adapter.limits)).toEqual([]);
  expect("maxBindGroups" in adapter.limits).toBe(true);
  expect(adapter.info.description).toBe("A worker in a test");
  expect(device.adapterInfo).toBe(device.adapterInfo);
  expect(device.adapterInfo).not.toBe(adapter.info);
  expect(device.adapterInfo.description).toBe("A worker in a test");
  expect(device.queue).toBe(device.queue);
});

describe("textureBindingViewDimension", () => {
  const shape = { format: "r8unorm", usage: 4 } as const;
  const dimensionOf = (maker: GPUDevice, descriptor: object): unknown =>
    maker.createTexture({ ...shape, size: [4, 4], ...descriptor }).textureBindingViewDimension;

  test("is undefined on a core device, also where it was given", () => {
    expect(dimensionOf(device, {})).toBeUndefined();
    expect(dimensionOf(device, { textureBindingViewDimension: "2d" })).toBeUndefined();
  });

  test.for<[GPUTextureViewDimension, object]>([
    ["2d", {}],
    ["2d-array", { size: [4, 4, 2] }],
    ["cube", { size: [4, 4, 6], textureBindingViewDimension: "cube" }],
    ["1d", { size: [4], dimension: "1d" }],
    ["3d", { size: [4, 4, 4], dimension: "3d" }],
  ])('is "%s" on a compatibility device of %j', async ([expected, descriptor]) => {
    const other = new RecordingWorker();
    other.answer = (command) => {
      const reply = answerDevices(command);
      return reply?.kind === "device" ? { ...reply, features: [] } : reply;
    };
    expect(dimensionOf(await other.device(), descriptor)).toBe(expected);
  });
});

test("flags are constants that cannot be changed", () => {
  const namespaces: Record<string, Record<string, number>> = {};
  worker.guest.installGlobals(namespaces);
  const usage = namespaces["GPUBufferUsage"]!;
  expect({ ...usage }).toEqual({
    MAP_READ: 1,
    MAP_WRITE: 2,
    COPY_SRC: 4,
    COPY_DST: 8,
    INDEX: 16,
    VERTEX: 32,
    UNIFORM: 64,
    STORAGE: 128,
    INDIRECT: 256,
    QUERY_RESOLVE: 512,
  });
  expect(() => {
    usage["INDEX"] = 1;
  }).toThrow(TypeError);
});

describe("errors", () => {
  test.for(["GPUValidationError", "GPUOutOfMemoryError", "GPUInternalError"])(
    "a program can make a %s",
    (name) => {
      const error = construct(name, "bad");
      expect(Reflect.get(error, "message")).toBe("bad");
      expect(error).toBeInstanceOf(scope["GPUError"]);
      expect(() => construct(name)).toThrow(TypeError);
    },
  );

  test("of pipelines are DOMExceptions with a reason", () => {
    const error = construct("GPUPipelineError", "no", { reason: "internal" });
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ name: "GPUPipelineError", message: "no", reason: "internal" });
    const other = construct("GPUPipelineError", undefined, { reason: "validation" });
    expect(other).toMatchObject({ message: "", reason: "validation" });
  });

  test.for([
    { list: ["no"] },
    { list: ["no", {}] },
    { list: ["no", { reason: "other" }] },
    { list: ["no", 5] },
  ])("of pipelines are not made of $list", ({ list }) => {
    expect(() => construct("GPUPipelineError", ...list)).toThrow(TypeError);
  });

  test("come in events", () => {
    const error = construct("GPUValidationError", "bad");
    const event = construct("GPUUncapturedErrorEvent", "e", { error, cancelable: true });
    expect(event).toMatchObject({ type: "e", cancelable: true });
    expect(Reflect.get(event, "error")).toBe(error);
  });

  test.for([{ list: [] }, { list: ["e"] }, { list: ["e", {}] }, { list: ["e", { error: {} }] }])(
    "come in no events made of $list",
    ({ list }) => {
      expect(() => construct("GPUUncapturedErrorEvent", ...list)).toThrow(TypeError);
    },
  );
});
