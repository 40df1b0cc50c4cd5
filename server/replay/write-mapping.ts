import { ProtocolError } from "#shared/wire/errors.ts";
import type { DeviceState } from "./device-state.ts";
import type { CommandEncoderState } from "./encoder-state.ts";
import { invalidBuffer } from "./invalid-objects.ts";
import type { Charge, Ledger } from "./memory-ledger.ts";
import { bufferBytes } from "./memory-size.ts";

// Values of GPUMapMode and GPUBufferUsage, which exist as globals only in browsers.
const MAP_MODE_WRITE = 0x2;
const MAP_WRITE = 0x2;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;

/** Part of a buffer that its program wrote while it was mapped. */
export type WrittenRange = { readonly offset: number; readonly size: number };

/**
 * A buffer that its program maps for writing.
 *
 * A real map has to wait until the GPU is done with the buffer, and the command stream would wait with
 * it: the written bytes must be in place before the next command. So Dawn's buffer is not made mappable
 * but a copy's destination, which the usage rules make possible (MAP_WRITE goes with COPY_SRC alone, so
 * nothing but the CPU ever writes there), and what was written goes in with writeBuffer. What Dawn can
 * then no longer check is checked by what uses this class.
 */
export class WriteMapping {
  readonly buffer: GPUBuffer;
  readonly device: DeviceState;
  readonly #descriptor: GPUBufferDescriptor;
  readonly #gpuMemory: Ledger;
  #decoy: GPUBuffer | undefined;
  #decoyCharge: Charge | undefined;
  #isMapped = false;
  #isDestroyed = false;

  /** The caller has charged the buffer to `gpuMemory`. */
  constructor(device: DeviceState, descriptor: GPUBufferDescriptor, gpuMemory: Ledger) {
    this.device = device;
    this.#gpuMemory = gpuMemory;
    this.#descriptor = descriptor;
    const usage = (descriptor.usage & COPY_SRC) | COPY_DST;
    this.buffer = createBuffer(device, { ...descriptor, usage });
  }

  /** Whether a buffer with this usage is one. Any other combination is an error for Dawn to report. */
  static fits({ usage }: GPUBufferDescriptor): boolean {
    return (usage & MAP_WRITE) !== 0 && (usage & ~(MAP_WRITE | COPY_SRC)) === 0;
  }

  /**
   * A buffer with the usage that the program declared, to be used in the place of `buffer` in a
   * command that this usage forbids: Dawn then reports the error in its own words.
   */
  get decoy(): GPUBuffer {
    this.#decoy ??= this.#makeDecoy();
    return this.#decoy;
  }

  #makeDecoy(): GPUBuffer {
    const { dawn, memory } = this.device;
    this.#decoyCharge = memory.take(this.#gpuMemory, bufferBytes(this.#descriptor.size));
    // An invalid buffer is an error in any command too, if in other words.
    if (this.#decoyCharge === undefined) return invalidBuffer(dawn, this.#descriptor);
    return dawn.createBuffer({ ...this.#descriptor, mappedAtCreation: false });
  }

  /** Whether its program has it mapped now. After creation, Dawn's buffer itself is mapped. */
  get isMapped(): boolean {
    return this.#isMapped || this.buffer.mapState === "mapped";
  }

  /**
   * Maps it for the guest, which writes to memory of its own, so there is nothing to wait for.
   * Rejects by WebGPU's rules where it cannot be mapped so.
   */
  async map(mode: number, offset: number, size: number | undefined): Promise<void> {
    if (this.device.isLost) throw new DOMException("The device is lost.", "AbortError");
    const refusal = this.#isDestroyed
      ? "it is destroyed"
      : this.isMapped
        ? "it is mapped already"
        : undefined;
    if (refusal !== undefined) {
      const message = `A buffer (${this.#descriptor.size} bytes) cannot be mapped: ${refusal}.`;
      this.device.report({ type: "validation", message });
      throw new DOMException(message, "OperationError");
    }
    const length = size ?? Math.max(0, this.#descriptor.size - offset);
    const isValid =
      mode === MAP_MODE_WRITE &&
      offset % 8 === 0 &&
      length % 4 === 0 &&
      offset + length <= this.#descriptor.size;
    if (isValid) this.#isMapped = true;
    else await this.decoy.mapAsync(mode, offset, size);
  }

  /** Ends the map, and puts in place what was written: the ranges' bytes, one after the other. */
  unmap(ranges: readonly WrittenRange[], data: Uint8Array): void {
    if (this.buffer.mapState === "mapped") {
      unmapFilled(this.buffer, ranges, data);
    } else if (!this.#isDestroyed) {
      // Also without a map before: a guest may leave out the request whose answer it knows.
      let at = 0;
      for (const { offset, size } of ranges) {
        this.device.dawn.queue.writeBuffer(this.buffer, offset, data, at, size);
        at += size;
      }
    }
    this.#isMapped = false;
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#isMapped = false;
    this.buffer.destroy();
    this.#decoy?.destroy();
    this.#decoyCharge?.release();
  }
}

/** The write mappings of one connection, by Dawn's buffer, and the commands that read them. */
export class WriteMappings {
  readonly #byBuffer = new Map<GPUBuffer, WriteMapping>();
  readonly #reads = new WeakMap<GPUCommandBuffer, ReadonlySet<WriteMapping>>();

  add(mapping: WriteMapping): void {
    this.#byBuffer.set(mapping.buffer, mapping);
  }

  get(buffer: GPUBuffer): WriteMapping | undefined {
    return this.#byBuffer.get(buffer);
  }

  delete(buffer: GPUBuffer): void {
    this.#byBuffer.delete(buffer);
  }

  /** The buffer to name where a command writes to it: see WriteMapping.decoy. */
  destination(buffer: GPUBuffer): GPUBuffer {
    return this.#byBuffer.get(buffer)?.decoy ?? buffer;
  }

  /** A command of the encoder reads the buffer. */
  noteRead(encoder: CommandEncoderState, buffer: GPUBuffer): void {
    const mapping = this.#byBuffer.get(buffer);
    if (mapping === undefined) return;
    encoder.reads ??= new Set();
    encoder.reads.add(mapping);
  }

  /** The encoder became a command buffer. */
  finish(commandBuffer: GPUCommandBuffer, reads: ReadonlySet<WriteMapping> | undefined): void {
    if (reads !== undefined) this.#reads.set(commandBuffer, reads);
  }

  /** Whether one of the command buffers reads a buffer that its program has mapped. */
  areReadMapped(commandBuffers: readonly GPUCommandBuffer[]): boolean {
    if (this.#byBuffer.size === 0) return false;
    return commandBuffers.some((each) =>
      [...(this.#reads.get(each) ?? [])].some(({ isMapped }) => isMapped),
    );
  }
}

/** Throws unless the ranges lie within `size` bytes and `data` is exactly theirs. */
export function checkRanges(
  ranges: readonly WrittenRange[],
  data: Uint8Array,
  bufferSize: number,
): void {
  let total = 0;
  for (const { offset, size } of ranges) {
    if (offset + size > bufferSize) {
      throw new ProtocolError(
        `A written range (${size} bytes at ${offset}) is outside its buffer (${bufferSize} bytes).`,
      );
    }
    total += size;
  }
  if (total !== data.length) {
    throw new ProtocolError(
      `The written ranges hold ${total} bytes, and ${data.length} bytes came with them.`,
    );
  }
}

/** Makes a buffer. Where the host has no memory for its map, that is an error of the device. */
export function createBuffer(device: DeviceState, descriptor: GPUBufferDescriptor): GPUBuffer {
  try {
    return device.dawn.createBuffer(descriptor);
  } catch (cause) {
    // The guest had memory for its side of the map, so its program saw no exception.
    if (!(cause instanceof RangeError) || descriptor.mappedAtCreation !== true) throw cause;
    const message = `The host has no memory to map a buffer of ${descriptor.size} bytes.`;
    device.report({ type: "out-of-memory", message });
    const buffer = device.dawn.createBuffer({ ...descriptor, mappedAtCreation: false });
    buffer.destroy();
    return buffer;
  }
}

/** Unmaps a buffer that was mapped at its creation, with what was written to it. */
export function unmapFilled(
  buffer: GPUBuffer,
  ranges: readonly WrittenRange[],
  data: Uint8Array,
): void {
  if (ranges.length > 0) {
    const mapped = new Uint8Array(buffer.getMappedRange());
    let at = 0;
    for (const { offset, size } of ranges) {
      mapped.set(data.subarray(at, at + size), offset);
      at += size;
    }
  }
  buffer.unmap();
}
