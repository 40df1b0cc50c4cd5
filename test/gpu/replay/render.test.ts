import { describe, expect, test } from "vitest";
import { create } from "webgpu";
import {
  writeBufferMapAsync,
  writeCommandEncoderBeginRenderPass,
  writeCommandEncoderCopyTextureToBuffer,
  writeCommandEncoderFinish,
  writeDeviceCreateBindGroup,
  writeDeviceCreateBindGroupLayout,
  writeDeviceCreateBuffer,
  writeDeviceCreateCommandEncoder,
  writeDeviceCreatePipelineLayout,
  writeDeviceCreateRenderBundleEncoder,
  writeDeviceCreateRenderPipeline,
  writeDeviceCreateShaderModule,
  writeDeviceCreateTexture,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeQueueSubmit,
  writeQueueWriteBuffer,
  writeRelease,
  writeRenderBundleEncoderDraw,
  writeRenderBundleEncoderFinish,
  writeRenderBundleEncoderSetBindGroup,
  writeRenderBundleEncoderSetPipeline,
  writeRenderBundleEncoderSetVertexBuffer,
  writeRenderPassEncoderDraw,
  writeRenderPassEncoderDrawIndexed,
  writeRenderPassEncoderEnd,
  writeRenderPassEncoderExecuteBundles,
  writeRenderPassEncoderSetBindGroup,
  writeRenderPassEncoderSetIndexBuffer,
  writeRenderPassEncoderSetPipeline,
  writeRenderPassEncoderSetVertexBuffer,
  writeTextureCreateView,
} from "#shared/wire/gen/write-commands.ts";
import type { Reply } from "#shared/wire/replies.ts";
import { GuestStream, type Ref } from "./guest-stream.ts";

const gpu = create([]);

const WIDTH = 64; // A row of 256 bytes, as copies want it.

// Draws vertical bars: the vertex buffer says where, the uniform which colour.
const SHADER = `
@group(0) @binding(0) var<uniform> color: vec4f;
@vertex fn bar(@location(0) x: f32, @builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
  let corner = vec2f(f32(index & 1u), f32(index >> 1u));
  return vec4f((x + corner.x) / 32.0 - 1.0, corner.y * 2.0 - 1.0, 0.0, 1.0);
}
@fragment fn fill() -> @location(0) vec4f { return color; }`;

/** Everything that a picture of bars is made of. */
type Scene = {
  readonly stream: GuestStream;
  readonly pipeline: Ref<"GPURenderPipeline">;
  /** A colour each, at dynamic offset 0. */
  readonly groups: readonly Ref<"GPUBindGroup">[];
  /** 16 bars' places, and the same 16 places one bar later. */
  readonly places: readonly Ref<"GPUBuffer">[];
  readonly indices: Ref<"GPUBuffer">;
  readonly target: Ref<"GPUTexture">;
  readonly view: Ref<"GPUTextureView">;
};

async function makeScene(): Promise<Scene> {
  const stream = new GuestStream(gpu);
  await stream.device();
  const { writer } = stream;
  const module = stream.make("GPUShaderModule");
  writeDeviceCreateShaderModule(writer, module, { code: SHADER });
  const layout = stream.make("GPUBindGroupLayout");
  writeDeviceCreateBindGroupLayout(writer, layout, {
    entries: [{ binding: 0, visibility: 2, buffer: { hasDynamicOffset: true } }],
  });
  const pipelineLayout = stream.make("GPUPipelineLayout");
  writeDeviceCreatePipelineLayout(writer, pipelineLayout, { bindGroupLayouts: [layout] });
  const pipeline = stream.make("GPURenderPipeline");
  writeDeviceCreateRenderPipeline(writer, pipeline, {
    layout: pipelineLayout,
    vertex: {
      module,
      entryPoint: "bar",
      buffers: [
        {
          arrayStride: 4,
          stepMode: "instance",
          attributes: [{ shaderLocation: 0, offset: 0, format: "float32" }],
        },
      ],
    },
    primitive: { topology: "triangle-strip", stripIndexFormat: "uint16" },
    fragment: { module, entryPoint: "fill", targets: [{ format: "rgba8unorm" }] },
  });
  const colors = stream.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, colors, { size: 1024, usage: 64 | 8 });
  const values = new Float32Array(256);
  for (let at = 0; at < 4; at++) values.set([at & 1, at >> 1, 0.5, 1], at * 64);
  writeQueueWriteBuffer(writer, colors, 0, new Uint8Array(values.buffer));
  const groups = [0, 512].map((offset) => {
    const group = stream.make("GPUBindGroup");
    const entries = [{ binding: 0, resource: { buffer: colors, offset, size: 16 } }];
    writeDeviceCreateBindGroup(writer, group, { layout, entries });
    return group;
  });
  const places = [0, 1].map((first) => {
    const buffer = stream.make("GPUBuffer");
    writeDeviceCreateBuffer(writer, buffer, { size: 64, usage: 32 | 8 });
    const starts = Float32Array.from({ length: 16 }, (_, index) => first + index * 4);
    writeQueueWriteBuffer(writer, buffer, 0, new Uint8Array(starts.buffer));
    return buffer;
  });
  const indices = stream.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, indices, { size: 16, usage: 16 | 8 });
  writeQueueWriteBuffer(writer, indices, 0, Uint8Array.of(0, 0, 1, 0, 2, 0, 3, 0));
  const target = stream.make("GPUTexture");
  writeDeviceCreateTexture(writer, target, {
    size: { width: WIDTH, height: 1 },
    format: "rgba8unorm",
    usage: 16 | 1,
  });
  const view = stream.make("GPUTextureView");
  writeTextureCreateView(writer, target, view, {});
  return { stream, pipeline, groups, places, indices, target, view };
}

function beginPass({ stream, view }: Scene): void {
  const { writer } = stream;
  writeDeviceCreateCommandEncoder(writer, stream.make("GPUCommandEncoder"), {});
  writeCommandEncoderBeginRenderPass(writer, stream.make("GPURenderPassEncoder"), {
    colorAttachments: [{ view, loadOp: "clear", storeOp: "store" }],
  });
}

/** Ends the pass, submits, and reads the row of pixels: one number of 3 digits a pixel. */
async function finishPass({ stream, target }: Scene): Promise<string[]> {
  const { writer } = stream;
  writeRenderPassEncoderEnd(writer);
  const result = stream.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, result, { size: 256, usage: 1 | 8 });
  writeCommandEncoderCopyTextureToBuffer(
    writer,
    { texture: target },
    { buffer: result, bytesPerRow: 256 },
    { width: WIDTH, height: 1 },
  );
  const commands = stream.make("GPUCommandBuffer");
  writeCommandEncoderFinish(writer, commands, {});
  writeQueueSubmit(writer, [commands]);
  const reply = await stream.ask((request) => writeBufferMapAsync(writer, request, result, 1, 0));
  if (reply.kind !== "mapped") throw new Error(`No picture: ${JSON.stringify(stream.replies)}`);
  return Array.from({ length: WIDTH }, (_, at) => reply.data.subarray(at * 4, at * 4 + 3).join());
}

const BLACK = "0,0,0";
// The colours at the offsets 0, 256, 512 and 768 of their buffer.
const COLORS = ["0,0,128", "255,0,128", "0,255,128", "255,255,128"] as const;

/** Bars of these colours side by side, 16 times. */
function bars(...four: readonly [string, string, string, string]): string[] {
  return Array.from({ length: 16 }, () => four).flat();
}

const draw = (scene: Scene): void => writeRenderPassEncoderDraw(scene.stream.writer, 4, 16, 0, 0);
const setPipeline = ({ stream, pipeline }: Scene): void =>
  writeRenderPassEncoderSetPipeline(stream.writer, pipeline);
const setPlaces = ({ stream, places }: Scene, which: number, offset = 0): void =>
  writeRenderPassEncoderSetVertexBuffer(stream.writer, 0, places[which]!, offset);
const setGroup = ({ stream, groups }: Scene, which: number, offset: number): void =>
  writeRenderPassEncoderSetBindGroup(stream.writer, 0, groups[which]!, [offset], 0, 1);

describe("state that is bound again", () => {
  test("draws what it draws when every command reaches Dawn", async () => {
    const scene = await makeScene();
    using stream = scene.stream;
    beginPass(scene);
    for (const [group, place] of [
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 1],
      [0, 0],
    ] as const) {
      setPipeline(scene);
      setGroup(scene, group, 256);
      setPlaces(scene, place);
      draw(scene);
    }
    expect(await finishPass(scene)).toEqual(bars(COLORS[1], COLORS[3], BLACK, BLACK));
    expect(stream.replies.some(({ kind }) => kind === "uncapturedError")).toBe(false);
  });

  test("is told apart by its dynamic offset and by a buffer's offset", async () => {
    const scene = await makeScene();
    using stream = scene.stream;
    beginPass(scene);
    setPipeline(scene);
    setPlaces(scene, 0);
    setGroup(scene, 0, 0);
    draw(scene);
    setGroup(scene, 0, 256);
    setPlaces(scene, 1);
    draw(scene);
    // From the second place on: the first bar keeps its colour.
    setGroup(scene, 1, 0);
    setPlaces(scene, 1, 4);
    writeRenderPassEncoderDraw(stream.writer, 4, 15, 0, 0);
    const expected = bars(COLORS[0], COLORS[2], BLACK, BLACK);
    expected[1] = COLORS[1];
    expect(await finishPass(scene)).toEqual(expected);
  });

  test("does not outlive executeBundles, which unbinds it", async () => {
    const scene = await makeScene();
    using stream = scene.stream;
    const { writer } = stream;
    writeDeviceCreateRenderBundleEncoder(writer, stream.make("GPURenderBundleEncoder"), {
      colorFormats: ["rgba8unorm"],
    });
    for (let twice = 0; twice < 2; twice++) {
      writeRenderBundleEncoderSetPipeline(writer, scene.pipeline);
      writeRenderBundleEncoderSetBindGroup(writer, 0, scene.groups[0]!, [0], 0, 1);
      writeRenderBundleEncoderSetVertexBuffer(writer, 0, scene.places[0]!, 0);
      writeRenderBundleEncoderDraw(writer, 4, 16, 0, 0);
    }
    const bundle = stream.make("GPURenderBundle");
    writeRenderBundleEncoderFinish(writer, bundle, {});
    beginPass(scene);
    setPipeline(scene);
    setGroup(scene, 1, 0);
    setPlaces(scene, 1);
    draw(scene);
    writeRenderPassEncoderExecuteBundles(writer, [bundle]);
    setPipeline(scene);
    setGroup(scene, 1, 256);
    setPlaces(scene, 1);
    draw(scene);
    expect(await finishPass(scene)).toEqual(bars(COLORS[0], COLORS[3], BLACK, BLACK));
    expect(stream.replies.some(({ kind }) => kind === "uncapturedError")).toBe(false);
  });

  test("is not mistaken for a new object under the id of a released one", async () => {
    const scene = await makeScene();
    using stream = scene.stream;
    const { writer } = stream;
    beginPass(scene);
    setPipeline(scene);
    setGroup(scene, 0, 0);
    setPlaces(scene, 0);
    draw(scene);
    const extra = stream.make("GPUBuffer");
    writeDeviceCreateBuffer(writer, extra, { size: 64, usage: 32 | 8 });
    writeRenderPassEncoderSetVertexBuffer(writer, 0, extra, 0);
    writeRelease(writer, extra.kind, extra);
    stream.forget("GPUBuffer");
    const again = stream.make("GPUBuffer");
    expect(again.id).toBe(extra.id);
    writeDeviceCreateBuffer(writer, again, { size: 64, usage: 32 | 8 });
    const place = Float32Array.of(3);
    writeQueueWriteBuffer(writer, again, 0, new Uint8Array(place.buffer));
    writeRenderPassEncoderSetVertexBuffer(writer, 0, again, 0);
    setGroup(scene, 1, 256);
    writeRenderPassEncoderDraw(writer, 4, 1, 0, 0);
    writeRenderPassEncoderEnd(writer);
    // The first buffer was destroyed, and the pass bound it: Dawn refuses the submit.
    const commands = stream.make("GPUCommandBuffer");
    writeCommandEncoderFinish(writer, commands, {});
    const error = await errorOf(stream, () => writeQueueSubmit(writer, [commands]));
    expect(error).toHaveProperty("error.message", expect.stringContaining("destroyed"));
  });

  test("holds for index buffers as well", async () => {
    const scene = await makeScene();
    using stream = scene.stream;
    const { writer } = stream;
    beginPass(scene);
    setPipeline(scene);
    setGroup(scene, 0, 256);
    for (const place of [0, 1]) {
      setPlaces(scene, place);
      writeRenderPassEncoderSetIndexBuffer(writer, scene.indices, "uint16", 0);
      writeRenderPassEncoderDrawIndexed(writer, 4, 16, 0, 0, 0);
    }
    expect(await finishPass(scene)).toEqual(bars(COLORS[1], COLORS[1], BLACK, BLACK));
    expect(stream.replies.some(({ kind }) => kind === "uncapturedError")).toBe(false);
  });

  test.for([
    { when: "before", error: null },
    { when: "after", error: { type: "validation" } },
  ])("is left out only while the pass is open: $when its end", async ({ when, error }) => {
    const scene = await makeScene();
    using stream = scene.stream;
    const { writer } = stream;
    beginPass(scene);
    setPipeline(scene);
    if (when === "before") setPipeline(scene);
    writeRenderPassEncoderEnd(writer);
    if (when === "after") setPipeline(scene);
    const finish = await errorOf(stream, () =>
      writeCommandEncoderFinish(writer, stream.make("GPUCommandBuffer"), {}),
    );
    expect(finish).toMatchObject({ kind: "errorScope", error });
  });

  test("is an error again each time once the encoder is finished with the pass open", async () => {
    const scene = await makeScene();
    using stream = scene.stream;
    const { writer } = stream;
    beginPass(scene);
    setPipeline(scene);
    const finish = await errorOf(stream, () =>
      writeCommandEncoderFinish(writer, stream.make("GPUCommandBuffer"), {}),
    );
    expect(finish).toMatchObject({ error: { type: "validation" } });
    const replayed = await errorOf(stream, () => setPipeline(scene));
    const direct = await directErrorAfterFinish();
    expect(replayed).toHaveProperty("error.type", direct);
  });
});

async function errorOf(stream: GuestStream, write: () => void): Promise<Reply> {
  writeDevicePushErrorScope(stream.writer, "validation");
  write();
  return stream.ask((request) => writeDevicePopErrorScope(stream.writer, request));
}

/** What Dawn says to a setPipeline, repeated in an open pass whose encoder was finished. */
async function directErrorAfterFinish(): Promise<string> {
  const adapter = await gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  const module = device.createShaderModule({
    code: "@vertex fn main() -> @builtin(position) vec4f { return vec4f(); }",
  });
  const pipeline = device.createRenderPipeline({
    layout: "auto",
    vertex: { module },
    depthStencil: { format: "depth32float", depthCompare: "always", depthWriteEnabled: false },
  });
  const depth = device.createTexture({ size: [4, 4], format: "depth32float", usage: 16 });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [],
    depthStencilAttachment: {
      view: depth.createView(),
      depthLoadOp: "clear",
      depthClearValue: 1,
      depthStoreOp: "discard",
    },
  });
  pass.setPipeline(pipeline);
  device.pushErrorScope("validation");
  encoder.finish();
  await device.popErrorScope();
  device.pushErrorScope("validation");
  pass.setPipeline(pipeline);
  const error = await device.popErrorScope();
  device.destroy();
  return error === null ? "none" : "validation";
}
