// Objects that are invalid, as WebGPU has them: made where the session's budget has no room, in the
// place of what the program asked for. Each is asked of Dawn with a descriptor that it refuses, within a
// scope that takes Dawn's own error: the program is told another.

const NO_USAGE = 0;

/** More than WebGPU allows in any query set. */
const TOO_MANY_QUERIES = 8192;

export function invalidBuffer(
  device: GPUDevice,
  { size, label = "" }: GPUBufferDescriptor,
): GPUBuffer {
  return unheard(device, () => device.createBuffer({ label, size, usage: NO_USAGE }));
}

export function invalidTexture(device: GPUDevice, descriptor: GPUTextureDescriptor): GPUTexture {
  return unheard(device, () => device.createTexture({ ...descriptor, usage: NO_USAGE }));
}

export function invalidQuerySet(device: GPUDevice, descriptor: GPUQuerySetDescriptor): GPUQuerySet {
  return unheard(device, () => device.createQuerySet({ ...descriptor, count: TOO_MANY_QUERIES }));
}

export function invalidShaderModule(device: GPUDevice, label: string): GPUShaderModule {
  return unheard(device, () => device.createShaderModule({ label, code: "invalid" }));
}

/**
 * Makes command buffers invalid, as a submit does that is refused (WebGPU, queue.submit). Dawn does so by itself where it is
 * the one to refuse: so it gets them in a submit that names each of them twice.
 */
export function invalidateCommandBuffers(
  device: GPUDevice,
  commandBuffers: readonly GPUCommandBuffer[],
): void {
  unheard(device, () => device.queue.submit([...commandBuffers, ...commandBuffers]));
}

function unheard<T>(device: GPUDevice, make: () => T): T {
  device.pushErrorScope("validation");
  try {
    return make();
  } finally {
    // Rejects where the device is lost, and there was nothing to hear.
    device.popErrorScope().catch(() => {});
  }
}
