// Plain WebGPU, no library: a turning triangle, a frame counter as sixteen black or white blocks
// across the top (the lowest bit at the right), and a square that changes its colour at every
// pointer press and key press.

const shader = /* wgsl */ `
  struct State { angle: f32, aspect: f32, frame: u32, presses: u32 }
  @group(0) @binding(0) var<uniform> state: State;

  struct Corner { @builtin(position) position: vec4f, @location(0) colour: vec3f }

  @vertex fn triangle(@builtin(vertex_index) index: u32) -> Corner {
    let turn = state.angle + f32(index) * 2.0943951;
    let colours = array(vec3f(0.95, 0.3, 0.25), vec3f(0.25, 0.8, 0.45), vec3f(0.3, 0.45, 0.95));
    return Corner(vec4f(0.7 * cos(turn) / state.aspect, 0.7 * sin(turn) - 0.1, 0, 1), colours[index]);
  }

  fn rectangle(index: u32, left: f32, top: f32, width: f32, height: f32) -> vec4f {
    let corner = array(vec2f(0, 0), vec2f(1, 0), vec2f(0, 1), vec2f(0, 1), vec2f(1, 0), vec2f(1, 1))[index];
    let place = vec2f(left + corner.x * width, top + corner.y * height);
    return vec4f(place.x * 2 - 1, 1 - place.y * 2, 0, 1);
  }

  @vertex fn counter(@builtin(vertex_index) index: u32, @builtin(instance_index) block: u32) -> Corner {
    let bit = (state.frame >> (15 - block)) & 1;
    return Corner(rectangle(index, f32(block) / 16, 0, 1.0 / 16, 0.1), vec3f(f32(bit)));
  }

  @vertex fn marker(@builtin(vertex_index) index: u32) -> Corner {
    let colours = array(vec3f(1, 0, 0), vec3f(0, 1, 0), vec3f(0, 0, 1), vec3f(1, 1, 0));
    return Corner(rectangle(index, 0.02, 0.8, 0.16 / state.aspect, 0.16), colours[state.presses % 4]);
  }

  @fragment fn paint(corner: Corner) -> @location(0) vec4f { return vec4f(corner.colour, 1); }
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

let presses = 0;
canvas.addEventListener("pointerdown", () => (presses += 1));
window.addEventListener("keydown", () => (presses += 1));

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
const format = navigator.gpu.getPreferredCanvasFormat();
const context = canvas.getContext("webgpu");
context.configure({ device, format, alphaMode: "opaque" });

const module = device.createShaderModule({ code: shader });
const bindGroupLayout = device.createBindGroupLayout({
  entries: [{ binding: 0, visibility: GPUShaderStage.VERTEX, buffer: {} }],
});
const layout = device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] });
const [triangle, counter, marker] = ["triangle", "counter", "marker"].map((entryPoint) =>
  device.createRenderPipeline({
    layout,
    vertex: { module, entryPoint },
    fragment: { module, entryPoint: "paint", targets: [{ format }] },
  }),
);
const state = device.createBuffer({
  size: 16,
  usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
});
const bindGroup = device.createBindGroup({
  layout: bindGroupLayout,
  entries: [{ binding: 0, resource: { buffer: state } }],
});

const words = new ArrayBuffer(16);
let frame = 0;

function draw() {
  frame += 1;
  new Float32Array(words).set([frame / 30, canvas.width / canvas.height]);
  new Uint32Array(words).set([frame & 0xffff, presses], 2);
  device.queue.writeBuffer(state, 0, words);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginRenderPass({
    colorAttachments: [
      {
        view: context.getCurrentTexture().createView(),
        clearValue: [0.08, 0.09, 0.12, 1],
        loadOp: "clear",
        storeOp: "store",
      },
    ],
  });
  pass.setBindGroup(0, bindGroup);
  pass.setPipeline(triangle);
  pass.draw(3);
  pass.setPipeline(counter);
  pass.draw(6, 16);
  pass.setPipeline(marker);
  pass.draw(6);
  pass.end();
  device.queue.submit([encoder.finish()]);
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
