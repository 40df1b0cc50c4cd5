// Takes GPU memory without end, writes to all of it, and lets go of none; goes on when there is no more.
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
void device.lost.then(() => process.exit(3));
let refused = 0;
device.addEventListener("uncapturederror", () => (refused += 1));

const kept = [];
for (let round = 0; ; round += 1) {
  const buffer = device.createBuffer({
    size: 16 * 1024 * 1024,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.STORAGE,
  });
  const texture = device.createTexture({
    size: [2048, 2048],
    format: "rgba8unorm",
    usage: GPUTextureUsage.RENDER_ATTACHMENT,
  });
  const encoder = device.createCommandEncoder();
  encoder.clearBuffer(buffer);
  encoder
    .beginRenderPass({
      colorAttachments: [{ view: texture.createView(), loadOp: "clear", storeOp: "store" }],
    })
    .end();
  device.queue.submit([encoder.finish()]);
  kept.push(buffer, texture);
  if (round % 8 !== 7) continue;
  await device.queue.onSubmittedWorkDone();
  console.log(`made ${kept.length}, refused ${refused}`);
}
