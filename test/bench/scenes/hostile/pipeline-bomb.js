// Makes shaders that no cache knows, as many and as long as it may, and pipelines of them: at once, later, and in submits.
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
void device.lost.then(() => process.exit(3));

const STATEMENTS = 200;

function shader(number) {
  const lines = Array.from(
    { length: STATEMENTS },
    (_, index) => `value = fract(sin(value * ${number}.${index + 1} + f32(id.x)) * 43758.5);`,
  );
  return `
    @group(0) @binding(0) var<storage, read_write> result: array<f32>;
    @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) {
      var value = 0.5;
      ${lines.join("\n")}
      result[0] = value;
    }`;
}

const result = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE });
for (let number = 0; ; number += 1) {
  const compute = { module: device.createShaderModule({ code: shader(number) }) };
  const descriptor = { layout: "auto", compute };
  const later = Array.from({ length: 4 }, () => device.createComputePipelineAsync(descriptor));
  const pipeline = device.createComputePipeline(descriptor);
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: result } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue.submit([encoder.finish()]);
  if (number % 8 === 7) {
    await Promise.all([...later, device.queue.onSubmittedWorkDone()]);
    console.log(`made ${number + 1}`);
  }
}
