import { expect, onTestFinished, test } from "vitest";
import { create } from "webgpu";
import { connectGuest } from "#client/guest/index.ts";
import { MAX_LIVE_SURFACES } from "#shared/wire/limits.ts";
import { InProcessWorker } from "./in-process-worker.ts";

// What a page reads of a WebGPU canvas, and which canvases are shown, through the guest library, the wire and Dawn.

const gpu = create([]);
const DRAWN = { r: 0.5, g: 0.25, b: 0, a: 0.5 };
const WIDTH = 3;
const HEIGHT = 2;

async function start(configuration: Partial<GPUCanvasConfiguration> = {}) {
  const worker = new InProcessWorker(gpu);
  const guest = connectGuest({ connect: () => worker.transport, report: () => {} });
  guest.installGlobals(globalThis);
  onTestFinished(() => guest.close());
  const device = await (await guest.gpu.requestAdapter())!.requestDevice();
  const errors: string[] = [];
  device.addEventListener("uncapturederror", ({ error }) => void errors.push(error.message));
  let presented = 0;
  worker.onPresent = async () => void (presented += 1);
  const visibility = { isVisible: true };
  const canvas = { width: WIDTH, height: HEIGHT };
  const context = guest.createCanvasContext(canvas, () => visibility.isVisible);
  context.configure({ device, format: "rgba8unorm", ...configuration });
  return {
    guest,
    device,
    errors,
    visibility,
    context,
    presented: () => presented,
    draw() {
      const encoder = device.createCommandEncoder();
      const view = context.getCurrentTexture().createView();
      const clear = { view, loadOp: "clear", storeOp: "store", clearValue: DRAWN } as const;
      encoder.beginRenderPass({ colorAttachments: [clear] }).end();
      device.queue.submit([encoder.finish()]);
    },
    /** The first pixel, having seen that all are alike. */
    async pixel() {
      const { width, height, data } = await guest.readCanvas(context);
      expect([width, height]).toEqual([WIDTH, HEIGHT]);
      const first = [...data.subarray(0, 4)];
      expect([...data]).toEqual(Array.from({ length: WIDTH * HEIGHT }, () => first).flat());
      return first;
    },
  };
}

test.for([
  { format: "rgba8unorm", alphaMode: "opaque", pixel: [128, 64, 0, 255] },
  { format: "bgra8unorm", alphaMode: "opaque", pixel: [128, 64, 0, 255] },
  { format: "rgba16float", alphaMode: "opaque", pixel: [128, 64, 0, 255] },
  { format: "rgba8unorm", alphaMode: "premultiplied", pixel: [255, 128, 0, 128] },
  { format: "rgba16float", alphaMode: "premultiplied", pixel: [255, 128, 0, 128] },
] as const)(
  "a $format canvas whose alpha is $alphaMode is read as it was drawn, whatever its usage",
  async ({ format, alphaMode, pixel }) => {
    const canvas = await start({ format, alphaMode, usage: 0x10 });
    canvas.draw();
    expect(await canvas.pixel()).toEqual(pixel);
    expect(canvas.errors).toEqual([]);
  },
);

test("a canvas shows nothing before it is drawn to, and once it was presented", async () => {
  const canvas = await start();
  expect(await canvas.pixel()).toEqual([0, 0, 0, 0]);
  canvas.draw();
  expect(await canvas.pixel()).toEqual([128, 64, 0, 255]);
  await expect.poll(canvas.presented).toBe(1);
  expect(await canvas.pixel()).toEqual([0, 0, 0, 0]);
});

test("reading rejects once the device is lost", async () => {
  const canvas = await start();
  canvas.draw();
  canvas.device.destroy();
  await expect(canvas.pixel()).rejects.toMatchObject({ name: "AbortError" });
});

test("what is drawn to a canvas that is not visible is not presented, and the next frame is drawn anew", async () => {
  const canvas = await start();
  canvas.visibility.isVisible = false;
  canvas.draw();
  const hidden = canvas.context.getCurrentTexture();
  // The frame ended.
  await expect.poll(() => canvas.context.getCurrentTexture()).not.toBe(hidden);
  await canvas.device.queue.onSubmittedWorkDone();
  expect(canvas.presented()).toBe(0);
  canvas.visibility.isVisible = true;
  canvas.draw();
  await expect.poll(canvas.presented).toBe(1);
  expect(canvas.errors).toEqual([]);
});

test("a program may keep more canvases that are not visible than a connection has surfaces", async () => {
  const { guest, device, errors } = await start();
  const kept: GPUCanvasContext[] = [];
  for (let count = 0; count <= MAX_LIVE_SURFACES; count += 1) {
    const canvas = { width: 1, height: 1 };
    const context = guest.createCanvasContext(canvas, () => false);
    kept.push(context);
    context.configure({ device, format: "rgba8unorm" });
    const encoder = device.createCommandEncoder();
    const view = context.getCurrentTexture().createView();
    const clear = { view, loadOp: "clear", storeOp: "store" } as const;
    encoder.beginRenderPass({ colorAttachments: [clear] }).end();
    device.queue.submit([encoder.finish()]);
    // It shows nothing once the frame has ended.
    const alpha = async () => (await guest.readCanvas(context)).data[3];
    await expect.poll(alpha, { interval: 1 }).toBe(0);
  }
  await device.queue.onSubmittedWorkDone();
  expect(kept).toHaveLength(MAX_LIVE_SURFACES + 1);
  expect(errors).toEqual([]);
});
