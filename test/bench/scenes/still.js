// Plain WebGPU: one picture, drawn when the program starts and when its window changes, and never else.

const shader = /* wgsl */ `
  @vertex fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1) * 4 - 1, f32(index >> 1) * 4 - 1, 0, 1);
  }
  @fragment fn shade(@builtin(position) position: vec4f) -> @location(0) vec4f {
    return vec4f(fract(position.xy / 256), 0.5, 1);
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
const pipeline = device.createRenderPipeline({
  layout: "auto",
  vertex: { module },
  fragment: { module, targets: [{ format }] },
});

function draw() {
  canvas.width = Math.round(window.innerWidth * window.devicePixelRatio);
  canvas.height = Math.round(window.innerHeight * window.devicePixelRatio);
  const encoder = device.createCommandEncoder();
  const view = context.getCurrentTexture().createView();
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view, loadOp: "clear", storeOp: "store" }],
  });
  pass.setPipeline(pipeline);
  pass.draw(3);
  pass.end();
  device.queue.submit([encoder.finish()]);
}
window.addEventListener("resize", () => requestAnimationFrame(draw));
requestAnimationFrame(draw);
