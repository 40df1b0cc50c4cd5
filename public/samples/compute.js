// Computes on the GPU, reads the results back and prints them: a prefix sum of 4,096 numbers and
// the product of two 64 by 64 matrices. Then it has nothing left to do and ends.

const shader = /* wgsl */ `
  @group(0) @binding(0) var<storage, read> input: array<u32>;
  @group(0) @binding(1) var<storage, read_write> output: array<u32>;
  override distance: u32 = 1;

  // One step of Hillis and Steele's scan.
  @compute @workgroup_size(64) fn scan(@builtin(global_invocation_id) id: vec3u) {
    let here = input[id.x];
    output[id.x] = select(here, here + input[id.x - distance], id.x >= distance);
  }

  @group(0) @binding(0) var<storage, read> left: array<f32>;
  @group(0) @binding(1) var<storage, read_write> product: array<f32>;
  @group(0) @binding(2) var<storage, read> right: array<f32>;

  @compute @workgroup_size(8, 8) fn multiply(@builtin(global_invocation_id) id: vec3u) {
    var sum = 0.0;
    for (var k = 0u; k < 64; k++) { sum += left[id.y * 64 + k] * right[k * 64 + id.x]; }
    product[id.y * 64 + id.x] = sum;
  }
`;

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
const module = device.createShaderModule({ code: shader });

function bufferOf(data) {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const buffer = device.createBuffer({
    size: data.byteLength,
    usage: STORAGE | COPY_SRC | COPY_DST,
  });
  device.queue.writeBuffer(buffer, 0, data);
  return buffer;
}

function dispatch(pipeline, buffers, ...workgroups) {
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(...workgroups);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

async function read(buffer) {
  const { size } = buffer;
  const staging = device.createBuffer({
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  staging.unmap();
  return bytes;
}

// Numbers that look random and are the same in every run.
let seed = 1;
function next(limit) {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed % limit;
}

const numbers = Uint32Array.from({ length: 4096 }, () => next(1000));
let from = bufferOf(numbers);
let to = bufferOf(numbers);
for (let distance = 1; distance < numbers.length; distance *= 2) {
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module, entryPoint: "scan", constants: { distance } },
  });
  dispatch(pipeline, [from, to], numbers.length / 64);
  [from, to] = [to, from];
}
const sums = new Uint32Array(await read(from));
console.log(`prefix sum: ${sums.slice(0, 6).join(" ")} … ${sums.slice(-3).join(" ")}`);

const left = bufferOf(Float32Array.from({ length: 4096 }, () => next(17) - 8));
const right = bufferOf(Float32Array.from({ length: 4096 }, () => next(17) - 8));
const product = bufferOf(new Float32Array(4096));
const multiply = await device.createComputePipelineAsync({
  layout: "auto",
  compute: { module, entryPoint: "multiply" },
});
dispatch(multiply, [left, product, right], 8, 8);
const values = new Float32Array(await read(product));
const total = values.reduce((sum, value) => sum + value, 0);
console.log(`matrix product: ${values.slice(0, 6).join(" ")} … total ${total}`);
