// Dispatches more workgroups than it may, which loses the device; then, with another, as many as it may at once.
const OVER = [65_535, 65_535];
const MOST = [16_384, 16_384];

for (const size of [OVER, MOST]) {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  dispatch(device, size);
  const { message } = await device.lost;
  console.log(`lost ${message}`);
}
process.exit(3);

function dispatch(device, [x, y]) {
  const module = device.createShaderModule({
    code: `
      @group(0) @binding(0) var<storage, read_write> sum: array<atomic<u32>, 1>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
        atomicAdd(&sum[0], id.x);
      }`,
  });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(x, y);
  pass.end();
  device.queue.submit([encoder.finish()]);
}
