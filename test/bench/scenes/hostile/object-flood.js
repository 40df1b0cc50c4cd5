// Makes objects without end, and keeps all of them.
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
void device.lost.then(({ message }) => {
  console.log(`lost ${message}`);
  process.exit(3);
});
const buffer = device.createBuffer({ size: 256, usage: GPUBufferUsage.UNIFORM });
const layout = device.createBindGroupLayout({
  entries: [{ binding: 0, visibility: GPUShaderStage.COMPUTE, buffer: {} }],
});
const kept = [];
for (;;) {
  for (let count = 0; count < 1000; count += 1) {
    kept.push(
      device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] }),
      device.createCommandEncoder(),
    );
  }
  await device.queue.onSubmittedWorkDone();
}
