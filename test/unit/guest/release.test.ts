import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeEach, describe, expect, test } from "vitest";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { MAX_LIVE_OBJECTS } from "#shared/wire/limits.ts";
import { HandleTable } from "#client/guest/handle-table.ts";
import { RecordingWorker } from "./recording-worker.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

let worker: RecordingWorker;
let device: GPUDevice;

beforeEach(async () => {
  worker = new RecordingWorker();
  device = await worker.device();
  worker.take();
});

const KINDS = new Map<unknown, string>(
  Object.entries(ObjectKind).map(([name, kind]) => [kind, name]),
);

function idOf(handle: unknown): number {
  if (typeof handle === "object" && handle !== null && "id" in handle) return Number(handle.id);
  throw new Error(`${String(handle)} is not a handle.`);
}

const task = () => new Promise((resolve) => setImmediate(resolve));

/** Collects until nothing more is released; the kinds and ids that were. */
async function released(): Promise<string[]> {
  const all: string[] = [];
  for (let quiet = 0; quiet < 3; quiet++) {
    await task();
    collect();
    await task();
    device.queue.submit([]);
    for (const { name, arguments: list } of worker.take()) {
      if (name !== "release") continue;
      all.push(`${KINDS.get(list[0])} ${idOf(list[1])}`);
      quiet = 0;
    }
  }
  return all;
}

const createBuffer = () => device.createBuffer({ size: 16, usage: 64 | 12 });
const createTexture = () => device.createTexture({ size: [4], format: "r8unorm", usage: 20 });

/** A command buffer that uses three buffers, a texture and a query set that nothing else has. */
function recordCommands(): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view: createTexture().createView(), loadOp: "load", storeOp: "store" }],
    occlusionQuerySet: device.createQuerySet({ type: "occlusion", count: 1 }),
  });
  pass.setVertexBuffer(0, createBuffer());
  pass.end();
  encoder.copyBufferToBuffer(createBuffer(), createBuffer());
  return encoder.finish();
}

/** A render bundle that uses a buffer that nothing else has. */
function recordBundle(): GPURenderBundle {
  const encoder = device.createRenderBundleEncoder({ colorFormats: ["r8unorm"] });
  encoder.setVertexBuffer(0, createBuffer());
  return encoder.finish();
}

function createGroup(): GPUBindGroup {
  return device.createBindGroup({
    layout: device.createBindGroupLayout({ entries: [] }),
    entries: [
      { binding: 0, resource: { buffer: createBuffer() } },
      { binding: 1, resource: createTexture().createView() },
      { binding: 2, resource: createBuffer() },
    ],
  });
}

/** The queue of a device that nothing else has, with a listener that tells what it hears. */
async function createQueue(hear: (message: string) => void): Promise<GPUQueue> {
  const other = await worker.device();
  other.addEventListener("uncapturederror", (event) => {
    hear(event.error.message);
    event.preventDefault();
  });
  return other.queue;
}

describe("what the program can no longer reach is released", () => {
  test("once, and the id is used again at a higher generation", async () => {
    createBuffer();
    expect(await released()).toEqual(["GPUBuffer 1"]);
    expect(await released()).toEqual([]);
    createBuffer();
    device.queue.submit([]);
    expect(worker.take()[0]!.arguments[0]).toEqual({ id: 1, generation: 2 });
  });

  test("and what it can reach is not", async () => {
    const kept = [createBuffer(), createTexture(), device.createSampler()];
    expect(await released()).toEqual([]);
    kept.length = 0;
    expect((await released()).toSorted()).toEqual(["GPUBuffer 1", "GPUSampler 1", "GPUTexture 1"]);
  });

  test("a bind group and a view keep what they show", async () => {
    const groups = [createGroup()];
    expect(await released()).toEqual(["GPUBindGroupLayout 1"]);
    groups.length = 0;
    expect((await released()).toSorted()).toEqual([
      "GPUBindGroup 1",
      "GPUBuffer 1",
      "GPUBuffer 2",
      "GPUTexture 1",
      "GPUTextureView 1",
    ]);
  });

  test("a command buffer keeps what it uses until it is submitted", async () => {
    const commands = [recordCommands()];
    expect(await released()).toEqual(["GPURenderPassEncoder 1", "GPUCommandEncoder 1"]);
    device.queue.submit(commands);
    const after = await released();
    expect(after[0]).toBe("GPUCommandBuffer 1");
    expect(after.slice(1).toSorted()).toEqual([
      "GPUBuffer 1",
      "GPUBuffer 2",
      "GPUBuffer 3",
      "GPUQuerySet 1",
      "GPUTexture 1",
      "GPUTextureView 1",
    ]);
  });

  test("a render bundle keeps what it uses", async () => {
    const bundles = [recordBundle()];
    expect(await released()).toEqual(["GPURenderBundleEncoder 1"]);
    expect(await released()).toEqual([]);
    bundles.length = 0;
    expect((await released()).toSorted()).toEqual(["GPUBuffer 1", "GPURenderBundle 1"]);
  });

  test("a queue alone keeps its device, and the device its listeners", async () => {
    const messages: string[] = [];
    const queues = [await createQueue((message) => void messages.push(message))];
    expect((await released()).filter((name) => name.startsWith("GPUDevice"))).toEqual([]);
    const error = { type: "validation", message: "No." } as const;
    worker.reply({ kind: "uncapturedError", device: 2, error });
    expect(messages).toEqual(["No."]);
    queues.length = 0;
    expect(await released()).toContain("GPUDevice 2");
  });
});

describe("what is used up is released at once", () => {
  test("an encoder and its passes when it is finished, a command buffer when it is submitted", () => {
    const encoder = device.createCommandEncoder();
    encoder.beginComputePass().end();
    const commands = encoder.finish();
    device.queue.submit([]);
    expect(worker.names()).toEqual([
      "deviceCreateCommandEncoder",
      "commandEncoderBeginComputePass",
      "computePassEncoderEnd",
      "commandEncoderFinish",
      "release",
      "release",
      "queueSubmit",
    ]);
    device.queue.submit([commands]);
    device.queue.submit([]);
    expect(worker.names()).toEqual(["queueSubmit", "release", "queueSubmit"]);
  });

  test("and comes back, in the state that it was in, to be misused", () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.end();
    const commands = encoder.finish();
    device.queue.submit([commands]);
    worker.take();
    device.queue.submit([commands]);
    expect(worker.names()).toEqual([
      "deviceCreateCommandEncoder",
      "commandEncoderFinish",
      "queueSubmit",
      "release",
      "queueSubmit",
      "release",
    ]);
    pass.dispatchWorkgroups(1);
    encoder.finish();
    device.queue.submit([]);
    const names = worker.names();
    expect(names.slice(names.indexOf("computePassEncoderEnd"))).toEqual([
      "computePassEncoderEnd",
      "commandEncoderFinish",
      "release",
      "release",
      "computePassEncoderDispatchWorkgroups",
      "deviceCreateCommandEncoder",
      "commandEncoderFinish",
      "release",
      "commandEncoderFinish",
      "release",
      "queueSubmit",
    ]);
  });
});

test("a program that makes small objects for ever does not run out of what a session may have", async () => {
  const most = 65_536; // The objects of a profile that says nothing of them.
  const texture = createTexture();
  let largest = 0;
  for (let count = 0; count < 2 * most; count++) {
    texture.createView();
    if (count % 64 !== 0) continue;
    await task();
    for (const { name, arguments: list } of worker.take()) {
      if (name === "textureCreateView") largest = Math.max(largest, idOf(list[1]));
    }
  }
  expect(largest).toBeGreaterThan(100);
  expect(largest).toBeLessThan(most);
});

test("handles are dense, at most as many as may be alive, with rising generations", () => {
  const table = new HandleTable("GPUBuffer");
  const handles = Array.from({ length: MAX_LIVE_OBJECTS }, () => table.allocate());
  expect(handles.map(({ id }) => id)).toEqual(handles.map((_, index) => index + 1));
  expect(() => table.allocate()).toThrow(RangeError);
  table.free(handles[41]!);
  expect(table.liveCount).toBe(MAX_LIVE_OBJECTS - 1);
  expect(table.allocate()).toEqual({ id: 42, generation: 2 });
  expect(() => table.allocate()).toThrow(RangeError);
});
