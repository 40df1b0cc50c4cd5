// Makes buffers of 64 MiB, uses each once and drops it without destroy(): a program that leaves all to the
// collector. ROUNDS one after the other, each awaited, and then eight at once.

import { told } from "./told.js";

const SIZE = 64 * 2 ** 20;
const rounds = Number(process.env.ROUNDS ?? 32);

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
device.addEventListener("uncapturederror", ({ error }) => console.log(`error ${error.message}`));

const last = device.createBuffer({
  size: 4,
  usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
});

function make(number) {
  const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size: SIZE, usage });
  device.queue.writeBuffer(buffer, SIZE - 4, Uint32Array.of(number));
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, SIZE - 4, last, 0, 4);
  device.queue.submit([encoder.finish()]);
  return buffer;
}

async function found() {
  await last.mapAsync(GPUMapMode.READ);
  const [number] = new Uint32Array(last.getMappedRange());
  last.unmap();
  return number;
}

// What a module's own statements had may live as long as it: each phase is a function.

async function oneByOne() {
  for (let number = 1; number <= rounds; number++) {
    make(number);
    await device.queue.onSubmittedWorkDone();
  }
}

async function atOnce() {
  const held = Array.from({ length: 8 }, (_, number) => make(number));
  await told(`at once: ${await found()} of ${held.length}`);
}

await told("began");
await oneByOne();
await told(`one by one: ${await found()}`);
await atOnce();
await told("dropped");
