import { GPUBufferSlot } from "./gen/slots.ts";
import { defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import {
  destroyBuffer,
  getMappedRange,
  mapBuffer,
  requireNoPendingMap,
  unmapBuffer,
} from "./mapping.ts";
import { illegalConstructor, requireArguments, toUint32, toUint64, toUSVString } from "./webidl.ts";

export class GPUBuffer implements globalThis.GPUBuffer {
  declare readonly __brand: "GPUBuffer";

  constructor() {
    throw illegalConstructor();
  }

  get size(): number {
    return GPUBufferSlot.of(this).size;
  }

  get usage(): number {
    return GPUBufferSlot.of(this).usage;
  }

  get mapState(): GPUBufferMapState {
    return GPUBufferSlot.of(this).mapping?.state ?? "unmapped";
  }

  get label(): string {
    return GPUBufferSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUBufferSlot.of(this), toUSVString(value));
  }

  async mapAsync(
    mode: number,
    offset: number = 0,
    size: number | undefined = undefined,
  ): Promise<undefined> {
    const record = GPUBufferSlot.of(this);
    requireArguments(arguments.length, 1, "GPUBuffer.mapAsync");
    const typedMode = toUint32(mode, "GPUBuffer.mapAsync: mode");
    const start = toUint64(offset, "GPUBuffer.mapAsync: offset");
    const length = size === undefined ? undefined : toUint64(size, "GPUBuffer.mapAsync: size");
    requireNoPendingMap(record); // Here, so that the promise is rejected when the program gets it.
    return mapBuffer(record, typedMode, start, length);
  }

  getMappedRange(offset: number = 0, size: number | undefined = undefined): ArrayBuffer {
    const record = GPUBufferSlot.of(this);
    const start = toUint64(offset, "GPUBuffer.getMappedRange: offset");
    const length =
      size === undefined ? undefined : toUint64(size, "GPUBuffer.getMappedRange: size");
    return getMappedRange(record, start, length);
  }

  unmap(): undefined {
    unmapBuffer(GPUBufferSlot.of(this));
  }

  destroy(): undefined {
    destroyBuffer(GPUBufferSlot.of(this));
  }

  static {
    defineInterface(this);
  }
}
