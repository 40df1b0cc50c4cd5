import { BufferUsage } from "./usage.ts";

/** Readback buffers of a device. Two frames are on their way at most, and one waits for the encoder. */
export const RING_SLOTS = 3;

/**
 * Buffers that the GPU copies to and the CPU maps, all of one size. Taking one never waits: there is one free, or
 * there is not.
 */
export class ReadbackRing {
  readonly #device: GPUDevice;
  #byteLength = 0;
  #free: GPUBuffer[] = [];
  readonly #taken = new Set<GPUBuffer>();
  #closed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get hasFree(): boolean {
    return this.#taken.size < RING_SLOTS;
  }

  /** A buffer of this many bytes, or undefined when all are in use. Whoever takes it gives it back. */
  take(byteLength: number): GPUBuffer | undefined {
    if (this.#closed || !this.hasFree) return undefined;
    if (byteLength !== this.#byteLength) {
      this.#byteLength = byteLength;
      this.#destroyFree();
    }
    const buffer =
      this.#free.pop() ??
      this.#device.createBuffer({
        label: "Heliograph readback",
        size: byteLength,
        usage: BufferUsage.mapRead | BufferUsage.copyDst,
      });
    this.#taken.add(buffer);
    return buffer;
  }

  /** @param isUsable false for a buffer that failed, which is not used again */
  giveBack(buffer: GPUBuffer, isUsable: boolean): void {
    if (!this.#taken.delete(buffer)) return;
    if (isUsable && !this.#closed && buffer.size === this.#byteLength) {
      buffer.unmap();
      this.#free.push(buffer);
    } else {
      buffer.destroy();
    }
  }

  /** Buffers that are taken go when they are given back. */
  close(): void {
    this.#closed = true;
    this.#destroyFree();
  }

  #destroyFree(): void {
    for (const buffer of this.#free) buffer.destroy();
    this.#free = [];
  }
}
