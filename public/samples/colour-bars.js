// Eight upright bars of known colours over the whole canvas, left to right:
// white, yellow, cyan, green, magenta, red, blue, black (each channel 235 or 20 of 255).

const shader = /* wgsl */ `
  @vertex fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1) * 4 - 1, f32(index >> 1) * 4 - 1, 0, 1);
  }

  override width: f32;

  @fragment fn bars(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let bar = 7 - u32(position.x * 8 / width);
    let on = vec3<bool>((bar & 2) != 0, (bar & 4) != 0, (bar & 1) != 0);
    return vec4f(select(vec3f(20), vec3f(235), on) / 255, 1);
  }
`;

const canvas = document.createElement("canvas");
canvas.style.width = "100vw";
canvas.style.height = "100vh";
document.body.append(canvas);

const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
const format = navigator.gpu.getPreferredCanvasFormat();
const context = canvas.getContext("webgpu");
context.configure({ device, format, alphaMode: "opaque" });
const module = device.createShaderModule({ code: shader });

let pipeline;
function fit() {
  canvas.width = Math.round(window.innerWidth * window.devicePixelRatio);
  canvas.height = Math.round(window.innerHeight * window.devicePixelRatio);
  pipeline = device.createRenderPipeline({
    layout: "auto",
    vertex: { module },
    fragment: { module, constants: { width: canvas.width }, targets: [{ format }] },
  });
}
window.addEventListener("resize", fit);
fit();

function draw() {
  const encoder = device.createCommandEncoder();
  const view = context.getCurrentTexture().createView();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view, loadOp: "clear", storeOp: "store" }],
  });
  pass.setPipeline(pipeline);
  pass.draw(3);
  pass.end();
  device.queue.submit([encoder.finish()]);
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
