// Uses objects of which it has nothing left but what they are part of, with a collection after each call of
// WebGPU and turns of the event loop between the steps, so that whatever is collected is also released.
// Prints what it reads back, a line a story.

import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

for (const name of Object.getOwnPropertyNames(globalThis).filter((each) =>
  /^GPU[A-Z]/.test(each),
)) {
  const prototype = globalThis[name].prototype ?? {};
  for (const [key, described] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    const { value: method, writable, ...rest } = described;
    if (typeof method !== "function" || key === "constructor" || writable !== true) continue;
    const value = function (...list) {
      const result = method.apply(this, list);
      collect();
      return result;
    };
    Object.defineProperty(prototype, key, { ...rest, value, writable });
  }
}

/** Whatever can be collected is, and whatever can be released has been. */
async function settle() {
  for (let time = 0; time < 2; time++) {
    collect();
    await turn();
  }
}

/** Dawn's binding destroys a device with the object that stands for it, which no program is to notice. */
const kept = [];
async function requestOther() {
  const other = await (await navigator.gpu.requestAdapter()).requestDevice();
  if (process.env.KEEP_DEVICES !== undefined) kept.push(other);
  return other;
}

const { COPY_SRC, COPY_DST, MAP_READ, STORAGE, UNIFORM, VERTEX, INDIRECT, QUERY_RESOLVE } =
  GPUBufferUsage;
const { RENDER_ATTACHMENT, TEXTURE_BINDING } = GPUTextureUsage;

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
device.addEventListener("uncapturederror", ({ error }) => console.log(`error ${error.message}`));

function bufferOf(usage, ...words) {
  const buffer = device.createBuffer({ size: words.length * 4, usage: usage | COPY_DST });
  device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
  return buffer;
}

const bufferFor = (bytes, usage) => device.createBuffer({ size: bytes, usage });

function submit(record) {
  const encoder = device.createCommandEncoder();
  record(encoder);
  device.queue.submit([encoder.finish()]);
}

/** The content of a buffer with COPY_SRC, of which only the promise is left while it is pending. */
async function read(source, { size } = source) {
  const copy = bufferFor(size, COPY_DST | MAP_READ);
  submit((encoder) => encoder.copyBufferToBuffer(source, copy));
  const pending = copy.mapAsync(GPUMapMode.READ).then(() => {
    const words = [...new Uint32Array(copy.getMappedRange())];
    copy.unmap();
    return words.map((word) => word.toString(16)).join(" ");
  });
  await settle();
  return pending;
}

const DOUBLE = `
  @group(0) @binding(0) var<storage, read_write> words: array<u32>;
  @group(0) @binding(1) var<uniform> factor: u32;
  @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) at: vec3u) {
    words[at.x] *= factor;
  }`;

const doubleLayout = () =>
  device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } },
      { binding: 1, visibility: GPUShaderStage.COMPUTE, buffer: {} },
    ],
  });

const pipelineOf = (code, layout) => ({
  layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
  compute: { module: device.createShaderModule({ code }) },
});

/** A group whose uniform nothing else has. */
const doubleGroup = (layout, words, factor) =>
  device.createBindGroup({
    layout,
    entries: [
      { binding: 0, resource: { buffer: words } },
      { binding: 1, resource: { buffer: bufferOf(UNIFORM, factor) } },
    ],
  });

const FILL = `
  @group(0) @binding(0) var<uniform> shade: vec4f;
  @vertex fn corner(@location(0) at: vec2f) -> @builtin(position) vec4f { return vec4f(at, 0.5, 1); }
  @fragment fn fill() -> @location(0) vec4f { return shade; }`;

function fillPipeline(layout, count = 1) {
  const module = device.createShaderModule({ code: FILL });
  const attributes = [{ shaderLocation: 0, offset: 0, format: "float32x2" }];
  return device.createRenderPipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    vertex: { module, buffers: [{ arrayStride: 8, attributes }] },
    fragment: { module, targets: [{ format: "rgba8unorm" }] },
    multisample: { count },
  });
}

const shadeLayout = () =>
  device.createBindGroupLayout({
    entries: [{ binding: 0, visibility: GPUShaderStage.FRAGMENT, buffer: {} }],
  });

function shadeGroup(layout, ...shade) {
  const buffer = bufferFor(16, UNIFORM | COPY_DST);
  device.queue.writeBuffer(buffer, 0, Float32Array.from(shade));
  return device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
}

function triangle() {
  const buffer = bufferFor(24, VERTEX | COPY_DST);
  device.queue.writeBuffer(buffer, 0, Float32Array.of(-1, -1, 3, -1, -1, 3));
  return buffer;
}

const target = (usage, sampleCount = 1) =>
  device.createTexture({
    size: [64, 2],
    format: "rgba8unorm",
    usage: RENDER_ATTACHMENT | usage,
    sampleCount,
  });

async function readTarget(texture) {
  const buffer = bufferFor(512, COPY_DST | COPY_SRC);
  submit((encoder) =>
    encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: 256 }, [64, 2]),
  );
  return read(buffer);
}

const clearTo = (view, rest = {}) => ({
  colorAttachments: [
    { view, loadOp: "clear", storeOp: "store", clearValue: [0.2, 0.4, 0.6, 1], ...rest },
  ],
});

const STORIES = {
  async "a bind group alone has its uniform, a pipeline its layout and module"() {
    const layout = doubleLayout();
    const words = bufferOf(STORAGE | COPY_SRC, 1, 2, 3, 4);
    const group = doubleGroup(layout, words, 3);
    const pipeline = device.createComputePipeline(pipelineOf(DOUBLE, layout));
    await settle();
    submit((encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(4);
      pass.end();
    });
    return read(words);
  },

  async "a pipeline that is being made has its layout and module"() {
    const layout = doubleLayout();
    const words = bufferOf(STORAGE | COPY_SRC, 5, 6);
    const group = doubleGroup(layout, words, 7);
    const pending = device.createComputePipelineAsync(pipelineOf(DOUBLE, layout));
    await settle();
    const pipeline = await pending;
    await settle();
    const commands = (() => {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroupsIndirect(bufferOf(INDIRECT, 2, 1, 1), 0);
      pass.end();
      return encoder.finish();
    })();
    await settle();
    device.queue.submit([commands]);
    return read(words);
  },

  async "a view alone has its texture, a bind group the view"() {
    const code = `
      @group(0) @binding(0) var<storage, read_write> words: array<u32>;
      @group(0) @binding(1) var texels: texture_2d<u32>;
      @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) at: vec3u) {
        words[at.x] = textureLoad(texels, vec2u(at.x, 0), 0).r;
      }`;
    const layout = device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } },
        { binding: 1, visibility: GPUShaderStage.COMPUTE, texture: { sampleType: "uint" } },
      ],
    });
    const words = bufferFor(16, STORAGE | COPY_SRC);
    const view = (() => {
      const usage = TEXTURE_BINDING | GPUTextureUsage.COPY_DST;
      const texture = device.createTexture({ size: [4], format: "r32uint", usage });
      device.queue.writeTexture({ texture }, Uint32Array.of(9, 8, 7, 6), {}, [4]);
      return texture.createView();
    })();
    await settle();
    const groups = [view].map((resource) =>
      device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: { buffer: words } },
          { binding: 1, resource },
        ],
      }),
    );
    const pipeline = device.createComputePipeline(pipelineOf(code, layout));
    await settle();
    submit((encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, groups[0]);
      pass.dispatchWorkgroups(4);
      pass.end();
    });
    return read(words);
  },

  async "a bundle has its vertices, group and pipeline, and what executes it the bundle"() {
    const texture = target(GPUTextureUsage.COPY_SRC);
    const bundles = (() => {
      const layout = shadeLayout();
      const encoder = device.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
      encoder.setPipeline(fillPipeline(layout));
      encoder.setBindGroup(0, shadeGroup(layout, 1, 0.5, 0.25, 1));
      encoder.setVertexBuffer(0, triangle());
      encoder.drawIndirect(bufferOf(INDIRECT, 3, 1, 0, 0), 0);
      return [encoder.finish()];
    })();
    await settle();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginRenderPass(clearTo(texture.createView()));
    pass.executeBundles(bundles);
    bundles.length = 0;
    await settle();
    pass.end();
    await settle();
    const commands = encoder.finish();
    await settle();
    device.queue.submit([commands]);
    return readTarget(texture);
  },

  async "an encoder has what its open pass draws with and to"() {
    const texture = target(GPUTextureUsage.COPY_SRC);
    const counted = bufferFor(8, QUERY_RESOLVE | COPY_SRC);
    const encoder = device.createCommandEncoder();
    const queries = device.createQuerySet({ type: "occlusion", count: 1 });
    const pass = (() => {
      const layout = shadeLayout();
      const samples = target(0, 4).createView();
      const begun = encoder.beginRenderPass({
        ...clearTo(samples, { resolveTarget: texture.createView() }),
        occlusionQuerySet: queries,
      });
      begun.setPipeline(fillPipeline(layout, 4));
      begun.setBindGroup(0, shadeGroup(layout, 0, 1, 0.5, 1));
      begun.setVertexBuffer(0, triangle());
      return begun;
    })();
    await settle();
    pass.setScissorRect(0, 0, 16, 1);
    pass.beginOcclusionQuery(0);
    pass.draw(3);
    pass.endOcclusionQuery();
    pass.end();
    await settle();
    encoder.resolveQuerySet(queries, 0, 1, counted, 0);
    await settle();
    device.queue.submit([encoder.finish()]);
    const words = (await read(counted)).split(" ");
    return `${await readTarget(texture)} ${words.some((word) => word !== "0")}`;
  },

  async "commands have what they copy until they are submitted, and after it until they are done"() {
    const to = bufferFor(16, COPY_DST | COPY_SRC);
    const commands = (() => {
      const encoder = device.createCommandEncoder();
      const between = bufferFor(16, COPY_DST | COPY_SRC);
      encoder.copyBufferToBuffer(bufferOf(COPY_SRC, 11, 12, 13, 14), between);
      encoder.copyBufferToBuffer(between, 4, to, 0, 12);
      return encoder.finish();
    })();
    await settle();
    device.queue.submit([commands]);
    await settle();
    return read(to);
  },

  async "what was mapped and dropped when it was written is there"() {
    const to = bufferFor(16, COPY_DST | COPY_SRC);
    const staging = device.createBuffer({
      size: 16,
      usage: GPUBufferUsage.MAP_WRITE | COPY_SRC,
      mappedAtCreation: true,
    });
    const range = staging.getMappedRange();
    await settle();
    new Uint32Array(range).set([21, 22, 23, 24]);
    staging.unmap();
    submit((encoder) => encoder.copyBufferToBuffer(staging, to));
    await settle();
    const again = staging.mapAsync(GPUMapMode.WRITE, 8);
    await settle();
    await again;
    new Uint32Array(staging.getMappedRange(8)).set([33]);
    await settle();
    staging.unmap();
    submit((encoder) => encoder.copyBufferToBuffer(staging, 8, to, 0, 4));
    return read(to);
  },

  async "a queue alone has its device, and all that is asked of it is answered"() {
    const { queue, commands, result } = await (async () => {
      const other = await requestOther();
      const from = other.createBuffer({ size: 8, usage: COPY_SRC, mappedAtCreation: true });
      new Uint32Array(from.getMappedRange()).set([41, 42]);
      from.unmap();
      const to = other.createBuffer({ size: 8, usage: COPY_DST | MAP_READ });
      const encoder = other.createCommandEncoder();
      encoder.copyBufferToBuffer(from, to);
      return { queue: other.queue, commands: encoder.finish(), result: to };
    })();
    await settle();
    queue.submit([commands]);
    await settle();
    const done = queue.onSubmittedWorkDone();
    await settle();
    await done;
    await result.mapAsync(GPUMapMode.READ);
    return [...new Uint32Array(result.getMappedRange())].join(" ");
  },

  async "an error scope of a device that is dropped meanwhile tells its error"() {
    const pending = await (async () => {
      const other = await requestOther();
      other.pushErrorScope("validation");
      other.pushErrorScope("out-of-memory");
      other.createBuffer({ size: 4, usage: MAP_READ | STORAGE });
      await settle();
      return [other.popErrorScope(), other.popErrorScope()];
    })();
    await settle();
    const errors = await Promise.all(pending);
    return errors.map((error) => `${error?.constructor.name} ${error?.message}`).join("; ");
  },

  async "a module that is dropped tells what is wrong with it"() {
    device.pushErrorScope("validation");
    const pending = device
      .createShaderModule({ code: "fn main() { ruin(); }" })
      .getCompilationInfo();
    await settle();
    const { messages } = await pending;
    const error = await device.popErrorScope();
    return `${messages.map(({ type, message }) => `${type}: ${message}`).join()}; ${error.message}`;
  },
};

for (const [name, story] of Object.entries(STORIES)) console.log(`story ${name}: ${await story()}`);
console.log("over");
process.exit();
