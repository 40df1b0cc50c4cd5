// A load on the GPU of a size that is asked for: LOAD_ROUNDS of work in each submit, LOAD_SUBMITS a frame. With LOAD_HOG
// it submits without end and waits for no frame; else it draws in animation frames, as a program does that behaves.

const rounds = Number(process.env.LOAD_ROUNDS ?? 1000);
const isHog = process.env.LOAD_HOG === "1";

const shader = /* wgsl */ `
  @group(0) @binding(0) var<uniform> load: vec4u;
  @vertex fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1) * 4 - 1, f32(index >> 1) * 4 - 1, 0, 1);
  }
  @fragment fn shade(@builtin(position) position: vec4f) -> @location(0) vec4f {
    var value = position.x * 0.001 + position.y * 0.002 + f32(load.y) * 0.01;
    for (var round = 0u; round < load.x; round++) { value = fract(value * 1.37 + 0.113); }
    return vec4f(value, fract(position.xy / 64), 1);
  }
`;

const canvas = document.createElement("canvas");
canvas.style.width = "100vw";
canvas.style.height = "100vh";
document.body.append(canvas);
canvas.width = window.innerWidth;
canvas.height = window.innerHeight;

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
void device.lost.then(({ reason, message }) => {
  console.log(`lost ${reason} ${message}`);
  process.exit(3);
});
const format = navigator.gpu.getPreferredCanvasFormat();
const context = canvas.getContext("webgpu");
context.configure({ device, format, alphaMode: "opaque" });
const module = device.createShaderModule({ code: shader });
const pipeline = device.createRenderPipeline({
  layout: "auto",
  vertex: { module },
  fragment: { module, targets: [{ format }] },
});
const load = device.createBuffer({
  size: 16,
  usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
});
const bindGroup = device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0),
  entries: [{ binding: 0, resource: { buffer: load } }],
});
const own = device.createTexture({
  size: [320, 180],
  format,
  usage: GPUTextureUsage.RENDER_ATTACHMENT,
});

let frame = 0;
function submit(texture) {
  frame += 1;
  device.queue.writeBuffer(load, 0, new Uint32Array([rounds, frame, 0, 0]));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view: texture.createView(), loadOp: "clear", storeOp: "store" }],
  });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.draw(3);
  pass.end();
  device.queue.submit([encoder.finish()]);
}

if (isHog) {
  submit(context.getCurrentTexture());
  await new Promise((resolve) => requestAnimationFrame(resolve));
  for (;;) {
    for (let index = 0; index < 20; index += 1) submit(own);
    await device.queue.onSubmittedWorkDone();
    console.log(`bench-frames ${frame} ${performance.now()}`);
  }
} else {
  let printed = 0;
  const draw = () => {
    submit(context.getCurrentTexture());
    const now = performance.now();
    if (now - printed >= 100) {
      printed = now;
      console.log(`bench-frames ${frame} ${now}`);
    }
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}
