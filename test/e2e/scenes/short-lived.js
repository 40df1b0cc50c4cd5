// Makes objects of every kind that a frame may make, uses each once and drops it: OBJECTS of them, a batch
// between two waits. What is left to the collector is all of it.

import { told } from "./told.js";

const objects = Number(process.env.OBJECTS ?? 200_000);

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
device.addEventListener("uncapturederror", ({ error }) => console.log(`error ${error.message}`));

const layout = device.createBindGroupLayout({
  entries: [
    { binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: { type: "storage" } },
    { binding: 1, visibility: GPUShaderStage.COMPUTE, texture: {} },
    { binding: 2, visibility: GPUShaderStage.COMPUTE, sampler: {} },
  ],
});
const sum = device.createComputePipeline({
  layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
  compute: {
    module: device.createShaderModule({
      code: `
        @group(0) @binding(0) var<storage, read_write> total: array<u32>;
        @group(0) @binding(1) var shade: texture_2d<f32>;
        @group(0) @binding(2) var smoothly: sampler;
        @compute @workgroup_size(1) fn main() {
          total[0] += u32(textureSampleLevel(shade, smoothly, vec2f(0.5), 0).r * 255 + 0.5);
        }`,
    }),
  },
});
const total = device.createBuffer({
  size: 4,
  usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
});
const read = device.createBuffer({
  size: 4,
  usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
});

/** Of one add(): a texture, views, samplers, bind groups, buffers, an encoder, a pass, commands, bundles and their encoders. */
const OBJECTS_OF_ONE = 20;
const BATCH = 50;

function group(texture, shade) {
  return device.createBindGroup({
    layout,
    entries: [
      { binding: 0, resource: { buffer: total } },
      { binding: 1, resource: texture.createView() },
      { binding: 2, resource: device.createSampler({ lodMaxClamp: 1 + shade }) },
    ],
  });
}

/** Commands that add the shade to the total, with more objects than it takes. */
function add(shade) {
  const texture = device.createTexture({
    size: [1, 1],
    format: "r8unorm",
    usage: GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST,
  });
  device.queue.writeTexture({ texture }, Uint8Array.of(shade), {}, [1, 1]);
  for (let more = 0; more < 3; more++) group(texture, shade);
  for (let more = 0; more < 2; more++) {
    device.createRenderBundleEncoder({ colorFormats: ["r8unorm"] }).finish();
  }
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(sum);
  pass.setBindGroup(0, group(texture, shade));
  pass.dispatchWorkgroups(1);
  pass.end();
  return encoder.finish();
}

async function run(count) {
  let expected = 0;
  for (let made = 0; made < count; made += BATCH * OBJECTS_OF_ONE) {
    const shades = Array.from({ length: BATCH }, (_, at) => (made / OBJECTS_OF_ONE + at) % 251);
    expected += shades.reduce((all, shade) => all + shade, 0);
    device.queue.submit(shades.map(add));
    await device.queue.onSubmittedWorkDone();
  }
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(total, read);
  encoder.clearBuffer(total);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const [found] = new Uint32Array(read.getMappedRange());
  read.unmap();
  return found === expected ? "right" : `wrong: ${found}, not ${expected}`;
}

await told(`began: ${await run(10_000)}`);
await told(`short-lived: ${await run(objects)}`);
