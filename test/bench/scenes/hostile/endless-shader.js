// Starts a compute shader that never ends, as far as its compiler can tell.
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
const module = device.createShaderModule({
  code: `
    @group(0) @binding(0) var<storage, read_write> state: array<atomic<u32>, 1>;
    @compute @workgroup_size(1) fn main() {
      while (atomicLoad(&state[0]) == 0) { atomicAdd(&state[0], 2); atomicSub(&state[0], 2); }
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
pass.dispatchWorkgroups(1);
pass.end();
device.queue.submit([encoder.finish()]);
console.log("submitted");
await device.queue.onSubmittedWorkDone();
console.log("finished");
