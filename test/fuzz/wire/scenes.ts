import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { Script } from "./script.ts";

// Short sequences as programs make them: create, use, submit, map, destroy. Most of what they leave open is random.

const MAP_READ = 1;
const MAP_WRITE = 2;
const Usage = { mapRead: 0x09, mapWrite: 0x06, storage: 0x8c, vertex: 0x2c, index: 0x1c } as const;
const TextureUsage = { render: 0x10, renderAndCopy: 0x11, copy: 0x03 } as const;

export function begin(script: Script): void {
  script.say("requestAdapter", { options: {} });
  const adapter = script.handles.any("GPUAdapter");
  const device = script.say("adapterRequestDevice", {
    adapter: script.ref("GPUAdapter", adapter),
    descriptor: {},
  });
  script.use("GPUDevice", device);
  if (script.random.chance(0.02)) return; // Then most commands name objects that there are none of.
  // One of each kind, so that any command finds what it names.
  buffer(script, Usage.vertex);
  view(script, "rgba8unorm", TextureUsage.renderAndCopy);
  script.say("deviceCreateSampler", { descriptor: {} });
  emptyBindGroup(script);
  script.say("deviceCreatePipelineLayout", { descriptor: { bindGroupLayouts: [] } });
  script.say("deviceCreateQuerySet", { descriptor: { type: "occlusion", count: 4 } });
  compute(script);
  render(script);
  bundle(script);
}

export const SCENES: readonly ((script: Script) => void)[] = [
  upload,
  resources,
  compute,
  render,
  render,
  bundle,
  surfaceFrame,
  readBack,
  writeMapped,
  mappedAtCreation,
  errorScope,
  copies,
  queries,
  stagedUpload,
  secondDevice,
  labels,
];

function buffer(script: Script, usage: number, more: object = {}): Handle {
  const size = script.random.pick([16, 64, 256, 1024]);
  return script.say("deviceCreateBuffer", { descriptor: { size, usage, ...more } });
}

function data(script: Script, length: number): Buffer {
  return script.random.bytes(length);
}

function upload(script: Script): void {
  const made = buffer(script, Usage.vertex);
  const target = script.ref("GPUBuffer", made);
  for (let times = script.random.below(4); times >= 0; times--) {
    script.say("queueWriteBuffer", { buffer: target, bufferOffset: 0, data: data(script, 16) });
  }
  if (script.random.chance(0.3)) script.say("bufferDestroy", { buffer: target });
  script.release("GPUBuffer");
}

function resources(script: Script): void {
  script.say("deviceCreateTexture");
  const texture = script.ref("GPUTexture", script.handles.any("GPUTexture"));
  script.say("textureCreateView", { texture, descriptor: {} });
  script.say("textureCreateView", { texture });
  script.say("deviceCreateSampler");
  script.say("deviceCreateBindGroupLayout");
  script.say("deviceCreatePipelineLayout");
  script.say("deviceCreateShaderModule");
  script.say("deviceCreateBindGroup");
  if (script.random.chance(0.3)) script.say("textureDestroy", { texture });
  for (const kind of ["GPUTexture", "GPUTextureView", "GPUSampler", "GPUBindGroup"] as const) {
    script.release(kind);
  }
}

function encoder(script: Script): void {
  script.say("deviceCreateCommandEncoder", { descriptor: {} });
}

function emptyBindGroup(script: Script): void {
  const made = script.say("deviceCreateBindGroupLayout", { descriptor: { entries: [] } });
  const layout = script.ref("GPUBindGroupLayout", made);
  script.say("deviceCreateBindGroup", { descriptor: { layout, entries: [] } });
}

function finish(script: Script): void {
  const made = script.say("commandEncoderFinish", { descriptor: {} });
  const commandBuffers = [script.ref("GPUCommandBuffer", made)];
  script.say("queueSubmit", { commandBuffers });
  if (script.random.chance(0.1)) script.say("queueSubmit", { commandBuffers });
  if (script.random.chance(0.3)) script.say("queueOnSubmittedWorkDone");
  script.release("GPUCommandBuffer", 1);
  script.release("GPUCommandEncoder", 1);
}

function compute(script: Script): void {
  const { random } = script;
  const code = `@group(0) @binding(0) var<storage, read_write> d: array<u32>;
    @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { d[id.x] = id.x; }`;
  const module = script.ref(
    "GPUShaderModule",
    script.say("deviceCreateShaderModule", { descriptor: { code } }),
  );
  const name = random.chance(0.2)
    ? "deviceCreateComputePipelineAsync"
    : "deviceCreateComputePipeline";
  const made = script.say(name, { descriptor: { layout: "auto", compute: { module } } });
  const pipeline = script.ref("GPUComputePipeline", made);
  // A pipeline that a promise brings may not be there yet.
  if (name.endsWith("Async")) {
    script.handles.forgetNewest("GPUComputePipeline");
    return;
  }
  const layout = script.say("computePipelineGetBindGroupLayout", {
    computePipeline: pipeline,
    index: 0,
  });
  const storage = script.ref("GPUBuffer", buffer(script, Usage.storage));
  const group = script.say("deviceCreateBindGroup", {
    descriptor: {
      layout: script.ref("GPUBindGroupLayout", layout),
      entries: [{ binding: 0, resource: random.chance(0.5) ? storage : { buffer: storage } }],
    },
  });
  encoder(script);
  script.say("commandEncoderBeginComputePass", random.chance(0.95) ? { descriptor: {} } : {});
  script.say("computePassEncoderSetPipeline", { pipeline });
  script.say("computePassEncoderSetBindGroup", {
    index: 0,
    bindGroup: script.ref("GPUBindGroup", group),
    dynamicOffsets: [],
  });
  script.say("computePassEncoderDispatchWorkgroups");
  if (random.chance(0.3)) script.say("computePassEncoderDispatchWorkgroupsIndirect");
  if (random.chance(0.9)) script.say("computePassEncoderEnd");
  finish(script);
  script.release("GPUComputePassEncoder", 1);
}

function view(script: Script, format: string, usage: number): object {
  const size = { width: 16, height: 16 };
  const texture = script.say("deviceCreateTexture", { descriptor: { size, format, usage } });
  const made = script.say("textureCreateView", {
    texture: script.ref("GPUTexture", texture),
    descriptor: {},
  });
  return script.ref("GPUTextureView", made);
}

function drawModule(script: Script): object {
  const code = `@vertex fn vs(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
      return vec4f(f32(i & 1u), f32(i >> 1u), 0, 1); }
    @fragment fn fs() -> @location(0) vec4f { return vec4f(1); }`;
  const module = script.say("deviceCreateShaderModule", { descriptor: { code } });
  return script.ref("GPUShaderModule", module);
}

function drawPipeline(script: Script): object {
  const module = drawModule(script);
  const targets = [{ format: "rgba8unorm", blend: undefined, writeMask: 15 }];
  const made = script.say("deviceCreateRenderPipeline", {
    descriptor: { layout: "auto", vertex: { module }, fragment: { module, targets } },
  });
  return script.ref("GPURenderPipeline", made);
}

const PASS_COMMANDS = [
  "SetBindGroup",
  "SetIndexBuffer",
  "SetVertexBuffer",
  "DrawIndexed",
  "DrawIndirect",
  "DrawIndexedIndirect",
  "PushDebugGroup",
  "PopDebugGroup",
  "InsertDebugMarker",
  "SetImmediates",
] as const;

const RENDER_PASS_COMMANDS = [
  ...PASS_COMMANDS,
  "SetViewport",
  "SetScissorRect",
  "SetBlendConstant",
  "SetStencilReference",
  "BeginOcclusionQuery",
  "EndOcclusionQuery",
] as const;

function render(script: Script): void {
  const { random } = script;
  buffer(script, Usage.index);
  emptyBindGroup(script);
  const pipeline = drawPipeline(script);
  encoder(script);
  const attachment = {
    view: view(script, "rgba8unorm", TextureUsage.renderAndCopy),
    loadOp: "clear",
    storeOp: "store",
    ...(random.chance(0.5) ? { clearValue: { r: 0, g: 0.5, b: 1, a: 1 } } : {}),
  };
  script.say("commandEncoderBeginRenderPass", {
    descriptor: { colorAttachments: random.chance(0.95) ? [attachment] : [] },
  });
  script.say("renderPassEncoderSetPipeline", { pipeline });
  for (let times = random.below(5); times > 0; times--) {
    script.say(`renderPassEncoder${random.pick(RENDER_PASS_COMMANDS)}`);
  }
  script.say("renderPassEncoderDraw");
  if (random.chance(0.9)) script.say("renderPassEncoderEnd");
  finish(script);
  script.release("GPURenderPassEncoder", 1);
}

function bundle(script: Script): void {
  const pipeline = drawPipeline(script);
  script.say("deviceCreateRenderBundleEncoder", {
    descriptor: { colorFormats: ["rgba8unorm"] },
  });
  script.say("renderBundleEncoderSetPipeline", { pipeline });
  for (let times = script.random.below(3); times > 0; times--) {
    const name = script.random.pick(PASS_COMMANDS);
    if (name !== "SetIndexBuffer" || script.handles.has("GPUBuffer")) {
      if (!name.includes("Buffer") && !name.includes("Indirect")) {
        script.say(`renderBundleEncoder${name}`);
      }
    }
  }
  script.say("renderBundleEncoderDraw");
  const made = script.say("renderBundleEncoderFinish", { descriptor: {} });
  encoder(script);
  const attachment = {
    view: view(script, "rgba8unorm", TextureUsage.render),
    loadOp: "load",
    storeOp: "discard",
  };
  script.say("commandEncoderBeginRenderPass", { descriptor: { colorAttachments: [attachment] } });
  script.say("renderPassEncoderExecuteBundles", { bundles: [script.ref("GPURenderBundle", made)] });
  script.say("renderPassEncoderEnd");
  finish(script);
  script.release("GPURenderBundle", 1);
  script.release("GPURenderBundleEncoder", 1);
}

function surfaceFrame(script: Script): void {
  const { random, handles } = script;
  if (!handles.has("Surface")) script.say("surfaceCreate", { handle: handles.make("Surface") });
  const surface = script.ref("Surface", handles.any("Surface"));
  script.say("surfaceConfigure", {
    surface,
    width: random.pick([16, 64, 0, 320, 16_385]),
    height: random.pick([16, 64, 180]),
    configuration: { format: random.pick(["bgra8unorm", "rgba8unorm", "rgba16float"]) },
  });
  if (random.chance(0.1)) script.say("surfaceUnconfigure", { surface });
  else {
    const handle = handles.make("GPUTexture");
    script.say("surfaceGetCurrentTexture", { surface, handle });
    const texture = script.ref("GPUTexture", handle);
    script.say("textureCreateView", { texture, descriptor: {} });
    if (random.chance(0.1)) script.say("textureDestroy", { texture });
    if (random.chance(0.95)) script.say("surfacePresent", { surface });
  }
  script.say("animation");
  script.say("endFrame", { tick: random.below(4) });
  script.release("GPUTexture", 1);
  script.release("Surface", 1);
}

function readBack(script: Script): void {
  const target = script.ref("GPUBuffer", buffer(script, Usage.mapRead));
  for (let times = script.random.below(2); times >= 0; times--) {
    script.say("bufferMapAsync", { buffer: target, mode: MAP_READ, offset: 0 });
    if (script.random.chance(0.2)) script.say("bufferDestroy", { buffer: target });
    script.say("bufferUnmap", { buffer: target, ranges: [], data: Buffer.alloc(0) });
  }
}

function writeMapped(script: Script): void {
  const { random } = script;
  const made = script.ref("GPUBuffer", buffer(script, random.pick([Usage.mapWrite, 0x02, 0x0a])));
  if (random.chance(0.7)) {
    script.say("bufferMapAsync", { buffer: made, mode: MAP_WRITE, offset: 0 });
  }
  if (random.chance(0.4)) {
    encoder(script);
    script.say("commandEncoderCopyBufferToBuffer", { source: made });
    finish(script);
  }
  const size = random.pick([0, 4, 8, 16]);
  script.say("bufferUnmap", {
    buffer: made,
    ranges: size === 0 ? [] : [{ offset: random.pick([0, 0, 4, 8]), size }],
    data: data(script, size),
  });
}

function mappedAtCreation(script: Script): void {
  const made = script.ref(
    "GPUBuffer",
    buffer(script, script.random.pick([Usage.vertex, Usage.mapWrite]), { mappedAtCreation: true }),
  );
  if (script.random.chance(0.2)) script.say("bufferDestroy", { buffer: made });
  script.say("bufferUnmap", {
    buffer: made,
    ranges: [{ offset: 0, size: 8 }],
    data: data(script, 8),
  });
}

function errorScope(script: Script): void {
  script.say("devicePushErrorScope");
  script.anything();
  script.say("devicePopErrorScope");
  if (script.random.chance(0.2)) script.say("devicePopErrorScope");
}

const COPIES = [
  "CopyBufferToBuffer",
  "CopyBufferToTexture",
  "CopyTextureToBuffer",
  "CopyTextureToTexture",
  "ClearBuffer",
] as const;

function copies(script: Script): void {
  buffer(script, 0x0c);
  view(script, "rgba8unorm", TextureUsage.copy);
  encoder(script);
  for (let times = 1 + script.random.below(3); times > 0; times--) {
    script.say(`commandEncoder${script.random.pick(COPIES)}`);
  }
  script.say("queueWriteTexture");
  finish(script);
}

function queries(script: Script): void {
  const type = script.random.chance(0.97) ? "occlusion" : "timestamp";
  script.say("deviceCreateQuerySet", { descriptor: { type, count: 4 } });
  const querySet = script.ref("GPUQuerySet", script.handles.any("GPUQuerySet"));
  const destination = script.ref("GPUBuffer", buffer(script, 0x204));
  encoder(script);
  script.say("commandEncoderResolveQuerySet", { querySet, destination });
  if (script.random.chance(0.3)) script.say("querySetDestroy", { querySet });
  finish(script);
  script.release("GPUQuerySet", 1);
}

function stagedUpload(script: Script): void {
  const { random } = script;
  const target = script.ref("GPUBuffer", buffer(script, Usage.vertex, { size: 131_072 }));
  const length = random.pick([65_540, 4, 0, 131_072]);
  script.stage(Buffer.alloc(length, random.next() & 0xff));
  const stagedLength = random.chance(0.95) ? length : length + 1;
  script.say("queueWriteBuffer", { buffer: target, bufferOffset: 0, data: { stagedLength } });
  if (random.chance(0.2)) {
    script.say("deviceCreateSampler");
    script.stageLast();
  }
}

function secondDevice(script: Script): void {
  const { random } = script;
  const isPlain = random.chance(0.7);
  const device = script.say("adapterRequestDevice", {
    adapter: script.ref("GPUAdapter", script.handles.any("GPUAdapter")),
    ...(isPlain ? { descriptor: {} } : {}),
  });
  if (!isPlain) {
    script.handles.forgetNewest("GPUDevice"); // It may not be there, where what was asked for is too much.
    return;
  }
  script.use("GPUDevice", device);
  if (!random.chance(0.3)) return;
  if (random.chance(0.5)) script.say("deviceDestroy");
  buffer(script, Usage.vertex);
}

function labels(script: Script): void {
  const kind = script.random.pick(["GPUBuffer", "GPUTexture", "GPUDevice"] as const);
  if (!script.handles.has(kind)) return;
  script.say("setLabel", { kind: ObjectKind[kind], id: script.handles.any(kind).id });
}
