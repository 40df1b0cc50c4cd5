// Errs without end: each command is one that Dawn refuses.
const adapter = await navigator.gpu.requestAdapter();
const device = await adapter.requestDevice();
void device.lost.then(() => process.exit(3));
let told = 0;
device.addEventListener("uncapturederror", () => (told += 1));

const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.UNIFORM });
const data = new Uint8Array(16);
for (let round = 0; ; round += 1) {
  // Not a copy's destination.
  for (let count = 0; count < 1000; count += 1) device.queue.writeBuffer(buffer, 0, data);
  await device.queue.onSubmittedWorkDone();
  if (round % 100 === 0) console.log(`erred ${1000 * (round + 1)}, told ${told}`);
}
