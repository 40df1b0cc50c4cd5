import { beforeEach, describe, expect, test } from "vitest";
import { RecordingWorker } from "./recording-worker.ts";

let worker: RecordingWorker;
let device: GPUDevice;

beforeEach(async () => {
  worker = new RecordingWorker();
  device = await worker.device();
  await Promise.resolve();
  worker.take();
});

/** Calls a method with values that its types forbid. */
function call<T extends object>(target: T, method: keyof T & string, ...rest: unknown[]): unknown {
  const value: unknown = target[method];
  if (typeof value !== "function") throw new Error(`There is no method ${method}.`);
  return Reflect.apply(value, target, rest);
}

function isPlainObject(value: unknown): value is object {
  return Object.getPrototypeOf(value ?? 0) === Object.prototype;
}

/** The order in which a conversion reads members, down to `depth` of nested objects. */
function readOrder(convert: (value: object) => void, value: object): string[] {
  const order: string[] = [];
  const watch = (target: object, path: string): object =>
    new Proxy(target, {
      get(from, key) {
        const member: unknown = Reflect.get(from, key);
        if (typeof key === "symbol") return member;
        order.push(path + key);
        return isPlainObject(member) ? watch(member, `${path}${key}.`) : member;
      },
    });
  convert(watch(value, ""));
  return order;
}

function beginPass(): GPURenderPassEncoder {
  const view = device.createTexture({ size: [1], format: "r8unorm", usage: 16 }).createView();
  return device.createCommandEncoder().beginRenderPass({
    colorAttachments: [{ view, loadOp: "load", storeOp: "store" }],
  });
}

/** What of the pass was recorded after it began: names and arguments. */
function recorded(): unknown[][] {
  device.queue.submit([]);
  const commands = worker.take();
  const start = commands.findIndex(({ name }) => name === "commandEncoderBeginRenderPass");
  return commands.slice(start + 1, -1).map(({ name, arguments: list }) => [name, ...list]);
}

describe("dictionaries", () => {
  test("are read base first, then in lexicographical order", () => {
    const order = readOrder((descriptor) => call(device, "createTexture", descriptor), {
      size: { width: 4 },
      format: "r8unorm",
      usage: 1,
    });
    expect(order).toEqual([
      "label",
      "dimension",
      "format",
      "mipLevelCount",
      "sampleCount",
      "size",
      "size.depthOrArrayLayers",
      "size.height",
      "size.width",
      "textureBindingViewDimension",
      "usage",
      "viewFormats",
    ]);
  });

  test("are converted before the first of them is checked further", () => {
    const order = readOrder(
      (descriptor) =>
        expect(() => call(device, "createTexture", descriptor)).toThrow("texture-compression-bc"),
      { size: [4], format: "bc1-rgba-unorm", usage: 1, viewFormats: [] },
    );
    expect(order.at(-1)).toBe("viewFormats");
  });

  test("travel without what equals the default, and with what does not", () => {
    device.createSampler({ magFilter: "nearest", lodMaxClamp: 8, maxAnisotropy: 2.5 });
    device.createSampler();
    device.queue.submit([]);
    const [first, second] = worker.take();
    expect(first!.arguments[1]).toStrictEqual({ lodMaxClamp: 8, maxAnisotropy: 2 });
    expect(second!.arguments[1]).toStrictEqual({});
  });

  test.for([{ value: null }, { value: undefined }])("as $value are empty", ({ value }) => {
    expect(() => call(device, "createSampler", value)).not.toThrow();
    expect(() => call(device, "createBuffer", value)).toThrow("GPUBufferDescriptor.size");
  });
});

test.for<[what: string, method: keyof GPUDevice, list: unknown[], says: string]>([
  ["no argument", "createBuffer", [], "needs 1 arguments and got 0"],
  ["a descriptor that is no object", "createBuffer", ["size"], '("size") is not an object'],
  ["a missing required member", "createBuffer", [{ size: 4 }], "GPUBufferDescriptor.usage"],
  ["a size below 0", "createBuffer", [{ size: -1, usage: 8 }], "size (-1) is outside"],
  ["a usage that is no number", "createBuffer", [{ size: 4, usage: "x" }], 'usage ("x")'],
  [
    "an unknown enum value",
    "createTexture",
    [{ size: [1], format: "rgb8", usage: 1 }],
    'format ("rgb8") is not one of',
  ],
  [
    "an extent of no element",
    "createTexture",
    [{ size: [], format: "r8unorm", usage: 1 }],
    "1 to 3 elements, not 0",
  ],
  [
    "an extent of four elements",
    "createTexture",
    [{ size: [1, 1, 1, 1], format: "r8unorm", usage: 1 }],
    "1 to 3 elements, not 4",
  ],
  [
    "an extent without width",
    "createTexture",
    [{ size: {}, format: "r8unorm", usage: 1 }],
    "GPUExtent3DDict.width",
  ],
  [
    "a format of a feature that is off",
    "createTexture",
    [{ size: [1], format: "astc-4x4-unorm", usage: 1 }],
    '"texture-compression-astc"',
  ],
  [
    "a view format of such a feature",
    "createTexture",
    [{ size: [1], format: "r8unorm", usage: 1, viewFormats: ["eac-r11unorm"] }],
    '"texture-compression-etc2"',
  ],
  [
    "a clamp that is not finite",
    "createSampler",
    [{ lodMaxClamp: Infinity }],
    "lodMaxClamp (Infinity) is not a finite float",
  ],
  [
    "entries that are not iterable",
    "createBindGroupLayout",
    [{ entries: 5 }],
    "entries (5) is not iterable",
  ],
  [
    "a storage format of a feature that is off",
    "createBindGroupLayout",
    [{ entries: [{ binding: 0, visibility: 4, storageTexture: { format: "r16unorm" } }] }],
    '"texture-formats-tier1"',
  ],
  [
    "another object than a layout",
    "createPipelineLayout",
    [{ bindGroupLayouts: [{}] }],
    "not a GPUBindGroupLayout",
  ],
  [
    "a layout that is none",
    "createBindGroup",
    [{ layout: undefined, entries: [] }],
    "GPUBindGroupDescriptor.layout",
  ],
  ["a filter that there is not", "pushErrorScope", ["all"], 'GPUErrorFilter ("all")'],
  [
    "a timestamp query without its feature",
    "createQuerySet",
    [{ type: "timestamp", count: 1 }],
    '"timestamp-query"',
  ],
  [
    "a bundle's format of a feature that is off",
    "createRenderBundleEncoder",
    [{ colorFormats: ["bc7-rgba-unorm"] }],
    '"texture-compression-bc"',
  ],
])("%s is a TypeError", ([, method, list, says]) => {
  const act = () => call(device, method, ...list);
  expect(act).toThrow(TypeError);
  expect(act).toThrow(says);
  device.queue.submit([]);
  expect(worker.names()).toEqual(["queueSubmit"]);
});

test("the features that a format needs are looked up for pipelines", () => {
  const module = device.createShaderModule({ code: "" });
  const layout = "auto";
  const pipeline = (format: GPUTextureFormat) => ({
    layout,
    vertex: { module },
    fragment: { module, targets: [null, { format }] },
  });
  expect(() => call(device, "createRenderPipeline", pipeline("r8unorm"))).not.toThrow();
  const compressed = () => call(device, "createRenderPipeline", pipeline("bc1-rgba-unorm"));
  expect(compressed).toThrow(TypeError);
  expect(compressed).toThrow("texture-compression-bc");
  const depthStencil = { format: "depth32float-stencil8" };
  expect(() =>
    call(device, "createRenderPipeline", { layout, vertex: { module }, depthStencil }),
  ).toThrow("depth32float-stencil8");
});

describe("unions", () => {
  test("tell objects, buffer bindings and sequences apart", () => {
    const layout = device.createBindGroupLayout({ entries: [] });
    // Each has another id than the objects of the other kinds.
    const [, buffer] = [0, 1].map(() => device.createBuffer({ size: 16, usage: 64 }));
    const [, , texture] = [0, 1, 2].map(() =>
      device.createTexture({ size: [4, 2], format: "r8unorm", usage: 4 }),
    );
    const [, , , view] = [0, 1, 2, 3].map(() => texture!.createView());
    call(device, "createBindGroup", {
      layout,
      entries: new Set([
        { binding: 0, resource: device.createSampler() },
        { binding: 1, resource: view },
        { binding: 2, resource: { buffer, offset: 8 } },
        { binding: 3, resource: buffer },
        { binding: 4, resource: texture },
      ]),
    });
    device.queue.submit([]);
    const group = worker.take().find(({ name }) => name === "deviceCreateBindGroup")!;
    expect(group.arguments[1]).toStrictEqual({
      layout: 1,
      entries: [
        { binding: 0, resource: 1 },
        { binding: 1, resource: 4 },
        { binding: 2, resource: { buffer: 2, offset: 8 } },
        { binding: 3, resource: 2 },
        { binding: 4, resource: 3 },
      ],
    });
    expect(() =>
      call(device, "createBindGroup", { layout, entries: [{ binding: 0, resource: device }] }),
    ).toThrow("GPUBufferBinding.buffer");
  });

  test("take a colour as four numbers or as a dictionary", () => {
    const view = device.createTexture({ size: [1], format: "r8unorm", usage: 16 }).createView();
    const encoder = device.createCommandEncoder();
    const begin = (clearValue: unknown) =>
      call(encoder, "beginRenderPass", {
        colorAttachments: [{ view, loadOp: "clear", storeOp: "store", clearValue }],
      });
    begin([0.25, 0.5, 0.75, 1]);
    begin({ r: 0.25, g: 0.5, b: 0.75, a: 1 });
    for (const value of [[1, 2, 3], [1, 2, 3, 4, 5], { r: 0, g: 0, b: 0 }, 5, [1, 2, 3, NaN]]) {
      expect(() => begin(value)).toThrow(TypeError);
    }
    device.queue.submit([]);
    const passes = worker.take().filter(({ name }) => name === "commandEncoderBeginRenderPass");
    const colors = passes.map(({ arguments: [, descriptor] }) => descriptor);
    expect(colors[0]).toMatchObject({
      colorAttachments: [{ clearValue: { r: 0.25, g: 0.5, b: 0.75, a: 1 } }],
    });
    expect(colors[1]).toEqual(colors[0]);
    expect(colors).toHaveLength(2);
  });
});

describe("commands of passes", () => {
  test("fill in defaults and keep null", () => {
    const pass = beginPass();
    const buffer = device.createBuffer({ size: 4, usage: 48 });
    pass.draw(3);
    pass.drawIndexed(6, undefined, 2, -5);
    pass.setVertexBuffer(1, null);
    pass.setVertexBuffer(0, buffer, 4, 8);
    pass.setIndexBuffer(buffer, "uint32");
    pass.setBindGroup(2, null);
    expect(recorded()).toEqual([
      ["deviceCreateBuffer", expect.anything(), expect.anything()],
      ["renderPassEncoderDraw", 3, 1, 0, 0],
      ["renderPassEncoderDrawIndexed", 6, 1, 2, -5, 0],
      ["renderPassEncoderSetVertexBuffer", 1, null, 0, undefined],
      ["renderPassEncoderSetVertexBuffer", 0, 1, 4, 8],
      ["renderPassEncoderSetIndexBuffer", 1, "uint32", 0, undefined],
      ["renderPassEncoderSetBindGroup", 2, null, expect.anything(), 0],
    ]);
  });

  test.for<{ method: keyof GPURenderPassEncoder; list: unknown[]; says: string }>([
    { method: "draw", list: [], says: "needs 1 arguments and got 0" },
    { method: "draw", list: [-1], says: "vertexCount (-1)" },
    { method: "draw", list: [2 ** 32], says: "vertexCount (4294967296)" },
    { method: "draw", list: [3, NaN], says: "instanceCount (NaN)" },
    { method: "drawIndexed", list: [3, 1, 0, 2 ** 31], says: "baseVertex (2147483648)" },
    { method: "setVertexBuffer", list: [0], says: "needs 2 arguments and got 1" },
    { method: "setVertexBuffer", list: [0, {}], says: "not a GPUBuffer" },
    { method: "setIndexBuffer", list: [{}, "uint16"], says: "not a GPUBuffer" },
    { method: "setPipeline", list: [null], says: "not a GPURenderPipeline" },
    { method: "setViewport", list: [0, 0, 1, 1, 0], says: "needs 6 arguments and got 5" },
    { method: "setViewport", list: [0, 0, 1, 1, 0, Infinity], says: "maxDepth (Infinity)" },
    { method: "executeBundles", list: [[{}]], says: "not a GPURenderBundle" },
    { method: "setBindGroup", list: [0], says: "needs 2 arguments and got 1" },
    { method: "setBindGroup", list: [0, {}], says: "not a GPUBindGroup" },
    { method: "setBindGroup", list: [0, null, 5], says: "dynamicOffsets (5)" },
    {
      method: "setBindGroup",
      list: [0, null, new Uint32Array(1), 0],
      says: "needs 5 arguments and got 4",
    },
    { method: "setBindGroup", list: [0, null, [1], 0, 1], says: "not a Uint32Array" },
  ])("$method refuses $list, and nothing is recorded", ({ method, list, says }) => {
    const pass = beginPass();
    const act = () => call(pass, method, ...list);
    expect(act).toThrow(TypeError);
    expect(act).toThrow(says);
    expect(recorded()).toEqual([]);
  });

  test("refuse an enum value that there is not, and nothing is recorded", () => {
    const pass = beginPass();
    const buffer = device.createBuffer({ size: 4, usage: 48 });
    const act = () => call(pass, "setIndexBuffer", buffer, "uint8");
    expect(act).toThrow(TypeError);
    expect(act).toThrow('indexFormat ("uint8")');
    expect(recorded().map(([name]) => name)).toEqual(["deviceCreateBuffer"]);
  });

  test("take dynamic offsets from a sequence or a range of a Uint32Array", () => {
    const layout = device.createBindGroupLayout({ entries: [] });
    const group = device.createBindGroup({ layout, entries: [] });
    const pass = beginPass();
    pass.setBindGroup(0, group, [256, 512]);
    pass.setBindGroup(0, group, new Set([768]));
    pass.setBindGroup(0, group, Uint32Array.of(1, 2, 3, 4), 1, 2);
    const many = Array.from({ length: 100 }, (_, index) => index);
    pass.setBindGroup(0, group, many);
    const offsets = Uint32Array.of(1, 2);
    for (const [start, length] of [
      [3, 0],
      [0, 3],
      [2, 1],
    ] as const) {
      expect(() => pass.setBindGroup(0, group, offsets, start, length)).toThrow(RangeError);
    }
    // The array is the decoder's, and may be longer than the list in it.
    const lists = recorded().map(([, , , values, length]) => {
      const list: unknown[] = values instanceof Uint32Array ? [...values] : [];
      return list.slice(0, Number(length));
    });
    expect(lists).toEqual([[256, 512], [768], [2, 3], many]);
  });

  test("copyBufferToBuffer has a short form", () => {
    const encoder = device.createCommandEncoder();
    const [a, b] = [0, 1].map(() => device.createBuffer({ size: 16, usage: 12 }));
    encoder.copyBufferToBuffer(a!, b!);
    encoder.copyBufferToBuffer(a!, b!, 8);
    encoder.copyBufferToBuffer(a!, 4, b!, 8, 4);
    expect(() => call(encoder, "copyBufferToBuffer", a, 4, b)).toThrow(TypeError);
    device.queue.submit([]);
    const copies = worker.take().filter(({ name }) => /Copy/.test(name));
    expect(copies.map((copy) => copy.arguments)).toEqual([
      [1, 0, 2, 0, undefined],
      [1, 0, 2, 0, 8],
      [1, 4, 2, 8, 4],
    ]);
  });
});

describe("queue writes", () => {
  test("count in elements of a typed array, in bytes of anything else", () => {
    const buffer = device.createBuffer({ size: 64, usage: 8 });
    const { queue } = device;
    queue.writeBuffer(buffer, 0, Uint16Array.of(1, 2, 3, 4), 1, 2);
    queue.writeBuffer(buffer, 8, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer, 4);
    queue.submit([]);
    const data = worker.take().filter(({ name }) => name === "queueWriteBuffer");
    expect(data.map((write) => write.arguments)).toEqual([
      [1, 0, Uint8Array.of(2, 0, 3, 0)],
      [1, 8, Uint8Array.of(5, 6, 7, 8)],
    ]);
  });

  test.for([
    ["past the end", [new Uint8Array(8), 4, 8]],
    ["from past the end", [new Uint8Array(8), 12]],
    ["of no multiple of 4 bytes", [new Uint8Array(8), 0, 6]],
  ] as const)(
    "%s are OperationErrors, and RangeErrors of setImmediates",
    ([, [data, offset, size]]) => {
      const buffer = device.createBuffer({ size: 64, usage: 8 });
      const write = () => device.queue.writeBuffer(buffer, 0, data, offset, size);
      expect(write).toThrow(expect.objectContaining({ name: "OperationError" }));
      const pass = device.createCommandEncoder().beginComputePass();
      expect(() => pass.setImmediates(0, data, offset, size)).toThrow(RangeError);
    },
  );

  test("of textures carry the part of the data that the layout means", () => {
    const texture = device.createTexture({ size: [2, 2], format: "rgba8unorm", usage: 2 });
    const bytes = Uint8Array.from({ length: 1024 }, (_, index) => index);
    device.queue.writeTexture({ texture }, bytes, { offset: 16, bytesPerRow: 256 }, [2, 2]);
    device.queue.writeTexture({ texture }, new Uint8Array(4), { bytesPerRow: 256 }, [2, 2]);
    device.queue.submit([]);
    const [trimmed, short] = worker.take().filter(({ name }) => name === "queueWriteTexture");
    expect(trimmed!.arguments[1]).toEqual(bytes.slice(16, 16 + 256 + 8));
    expect(trimmed!.arguments[2]).toStrictEqual({ bytesPerRow: 256 }); // The offset is used up.
    expect(short!.arguments[1]).toEqual(new Uint8Array(4)); // The worker finds it too short.
  });
});
