// Maps buffers without end and unmaps none: at their creation, and for reading, whose bytes come all the way back.
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
void device.lost.then(() => process.exit(3));
device.addEventListener("uncapturederror", () => {});

const MIB = 1024 * 1024;
const kept = [];
for (;;) {
  const maps = [];
  for (let count = 0; count < 16; count += 1) {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    kept.push(device.createBuffer({ size: 4 * MIB, usage, mappedAtCreation: true }));
    const buffer = device.createBuffer({ size: MIB / 4, usage });
    kept.push(buffer);
    maps.push(buffer.mapAsync(GPUMapMode.READ).catch(() => {}));
  }
  await Promise.all(maps);
  console.log(`mapped ${kept.length}`);
  // The program's own memory is not what is tried here.
  if (kept.length >= 1000) for (const buffer of kept.splice(0)) buffer.destroy();
}
