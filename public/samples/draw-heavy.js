// Ten thousand draws a frame, each with its own pipeline, bind group offset and vertex buffer set:
// little triangles turning in a grid. What it costs is the number of calls.

const DRAWS = 10_000;
const COLUMNS = 125;
const ROWS = DRAWS / COLUMNS;

const shader = /* wgsl */ `
  struct Item { centre: vec2f, turn: f32, size: f32, colour: vec4f }
  @group(0) @binding(0) var<uniform> item: Item;
  @group(0) @binding(1) var<uniform> frame: vec4f;

  @vertex fn place(@location(0) corner: vec2f) -> @builtin(position) vec4f {
    let c = cos(item.turn + frame.x);
    let s = sin(item.turn + frame.x);
    let turned = vec2f(corner.x * c - corner.y * s, corner.x * s + corner.y * c);
    return vec4f(item.centre + turned * item.size, 0, 1);
  }
  @fragment fn paint() -> @location(0) vec4f { return item.colour; }
`;

const canvas = document.createElement("canvas");
canvas.style.width = "100vw";
canvas.style.height = "100vh";
document.body.append(canvas);

function fit() {
  canvas.width = Math.round(window.innerWidth * window.devicePixelRatio);
  canvas.height = Math.round(window.innerHeight * window.devicePixelRatio);
}
window.addEventListener("resize", fit);
fit();

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
const format = navigator.gpu.getPreferredCanvasFormat();
const context = canvas.getContext("webgpu");
context.configure({ device, format, alphaMode: "opaque" });

const module = device.createShaderModule({ code: shader });
const bindGroupLayout = device.createBindGroupLayout({
  entries: [
    {
      binding: 0,
      visibility: GPUShaderStage.VERTEX | GPUShaderStage.FRAGMENT,
      buffer: { hasDynamicOffset: true },
    },
    { binding: 1, visibility: GPUShaderStage.VERTEX, buffer: {} },
  ],
});
const layout = device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
const pipelines = [undefined, { color: { srcFactor: "one", dstFactor: "one" }, alpha: {} }].map(
  (blend) =>
    device.createRenderPipeline({
      layout,
      vertex: {
        module,
        buffers: [
          {
            arrayStride: 8,
            attributes: [{ shaderLocation: 0, offset: 0, format: "float32x2" }],
          },
        ],
      },
      fragment: { module, targets: [blend === undefined ? { format } : { format, blend }] },
    }),
);

const shapes = [
  [0, 1, -0.87, -0.5, 0.87, -0.5],
  [0, 0.7, -0.7, -0.7, 0.7, -0.7],
].map((corners) => {
  const buffer = device.createBuffer({
    size: corners.length * 4,
    usage: GPUBufferUsage.VERTEX | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(buffer, 0, new Float32Array(corners));
  return buffer;
});

const stride = device.limits.minUniformBufferOffsetAlignment;
const items = device.createBuffer({
  size: DRAWS * stride,
  usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
});
const time = device.createBuffer({
  size: 16,
  usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
});
const bindGroup = device.createBindGroup({
  layout: bindGroupLayout,
  entries: [
    { binding: 0, resource: { buffer: items, size: 32 } },
    { binding: 1, resource: { buffer: time } },
  ],
});
const values = new Float32Array((DRAWS * stride) / 4);
for (let index = 0; index < DRAWS; index += 1) {
  const x = ((index % COLUMNS) + 0.5) / COLUMNS;
  const y = (Math.floor(index / COLUMNS) + 0.5) / ROWS;
  const item = [x * 2 - 1, 1 - y * 2, index, 0.012, x, y, 1 - x, 1];
  values.set(item, (index * stride) / 4);
}
device.queue.writeBuffer(items, 0, values);

const dynamicOffset = [0];
let frame = 0;
function draw() {
  frame += 1;
  device.queue.writeBuffer(time, 0, new Float32Array([frame / 30, 0, 0, 0]));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [
      {
        view: context.getCurrentTexture().createView(),
        clearValue: [0.05, 0.05, 0.07, 1],
        loadOp: "clear",
        storeOp: "store",
      },
    ],
  });
  for (let index = 0; index < DRAWS; index += 1) {
    dynamicOffset[0] = index * stride;
    pass.setPipeline(pipelines[index & 1]);
    pass.setBindGroup(0, bindGroup, dynamicOffset);
    pass.setVertexBuffer(0, shapes[index & 1]);
    pass.draw(3);
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
