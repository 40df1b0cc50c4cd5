import { setTimeout as delay } from "node:timers/promises";
import type {
  GPUBufferDescriptor as BufferDescriptor,
  GPUComputePipelineDescriptor as ComputePipelineDescriptor,
  GPUExtent3DDict as Extent,
  GPUQuerySetDescriptor as QuerySetDescriptor,
  GPURenderPipelineDescriptor as RenderPipelineDescriptor,
  GPUShaderModuleDescriptor as ShaderModuleDescriptor,
  GPUTexelCopyBufferLayout as CopyLayout,
  GPUTexelCopyTextureInfo as CopyTexture,
  GPUTextureDescriptor as TextureDescriptor,
} from "#shared/wire/gen/dictionaries.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { CurrentObjects } from "./current-objects.ts";
import { dawn, type DawnObjects as M } from "./dawn-types.ts";
import type { DeviceState } from "./device-state.ts";
import { EncoderReplayer } from "./encoder-replayer.ts";
import type { Objects } from "./gen/objects.ts";
import {
  invalidBuffer,
  invalidQuerySet,
  invalidShaderModule,
  invalidTexture,
} from "./invalid-objects.ts";
import type { Charge } from "./memory-ledger.ts";
import { bufferBytes, querySetBytes, textureBytes } from "./memory-size.ts";
import type { RateGate } from "./rate-gate.ts";
import type { SessionBudget } from "./session-budget.ts";
import {
  checkRanges,
  createBuffer,
  unmapFilled,
  WriteMapping,
  type WrittenRange,
} from "./write-mapping.ts";

const MAP_MODE_READ = 1;

/** Shorter waits are left to add up: a timer is no finer. */
const SHORTEST_WAIT_MS = 1;

type BufferMemory = {
  readonly device: DeviceState;
  readonly gpu: Charge;
  /** Of the host, for as long as it is mapped. */
  mapped: Charge | undefined;
};

/**
 * Replays the commands that take memory, or time of a compiler: each is charged to the session's budget
 * before Dawn hears of it. Where there is no room, the program gets the error that WebGPU has for it,
 * and the object is invalid; where a rate is exceeded, the commands after it wait.
 */
export class ResourceReplayer extends EncoderReplayer {
  readonly #pauseUntil: (settled: Promise<unknown>) => void;
  readonly #buffers = new WeakMap<GPUBuffer, BufferMemory>();
  /** Of textures, query sets and shader modules. */
  readonly #charges = new WeakMap<object, Charge>();

  /** `pauseUntil` holds back the commands after the one that is being replayed. */
  constructor(
    objects: Objects,
    current: CurrentObjects,
    budget: SessionBudget,
    pauseUntil: (settled: Promise<unknown>) => void,
  ) {
    super(objects, current, budget);
    this.#pauseUntil = pauseUntil;
  }

  deviceDestroy(): void {
    this.current.device.destroy();
  }

  deviceCreateBuffer(handle: Handle, described: BufferDescriptor): void {
    const { device } = this.current;
    const descriptor = dawn(described);
    const { size } = descriptor;
    const { gpuMemory, hostMemory } = this.budget;
    // Dawn refuses one that is larger than the device's limit, and takes no memory for it.
    const charged = size > device.dawn.limits.maxBufferSize ? 0 : bufferBytes(size);
    const gpu = device.memory.take(gpuMemory, charged);
    if (gpu === undefined) {
      device.reportOutOfMemory(`A buffer of ${size} bytes`, charged, gpuMemory);
      this.objects.buffers.allocate(handle, invalidBuffer(device.dawn, descriptor));
      return;
    }
    let mapped: Charge | undefined;
    if (descriptor.mappedAtCreation === true) {
      mapped = device.memory.take(hostMemory, size);
      if (mapped === undefined) {
        gpu.release();
        device.reportOutOfMemory(`Mapping a buffer of ${size} bytes`, size, hostMemory);
        const unmapped = { ...descriptor, mappedAtCreation: false };
        const isRefused = charged === 0;
        this.objects.buffers.allocate(
          handle,
          isRefused ? device.dawn.createBuffer(unmapped) : invalidBuffer(device.dawn, unmapped),
        );
        return;
      }
    }
    const buffer = this.#createBuffer(device, descriptor);
    this.objects.buffers.allocate(handle, buffer);
    this.#buffers.set(buffer, { device, gpu, mapped });
  }

  bufferUnmap(buffer: GPUBuffer, ranges: readonly WrittenRange[], data: Uint8Array): void {
    checkRanges(ranges, data, buffer.size);
    this.#releaseMap(buffer);
    this.spend(this.budget.uploads, data.length);
    const mapping = this.mappings.get(buffer);
    if (mapping !== undefined) mapping.unmap(ranges, data);
    else if (buffer.mapState === "mapped") unmapFilled(buffer, ranges, data);
    // Else it is destroyed, or lost with its device: nothing can see its content any more.
    else buffer.unmap();
  }

  bufferDestroy(buffer: GPUBuffer): void {
    const mapping = this.mappings.get(buffer);
    if (mapping === undefined) buffer.destroy();
    else mapping.destroy();
    this.#releaseMap(buffer);
    this.#buffers.get(buffer)?.gpu.release();
  }

  deviceCreateTexture(handle: Handle, described: TextureDescriptor): void {
    const { device } = this.current;
    const descriptor = dawn(described);
    const bytes = textureBytes(descriptor);
    const charge = device.memory.take(this.budget.gpuMemory, bytes);
    if (charge === undefined) {
      device.reportOutOfMemory("A texture", bytes, this.budget.gpuMemory);
      this.objects.textures.allocate(handle, invalidTexture(device.dawn, descriptor));
      return;
    }
    const texture = device.dawn.createTexture(descriptor);
    this.objects.textures.allocate(handle, texture);
    this.#charges.set(texture, charge);
  }

  deviceCreateQuerySet(handle: Handle, described: QuerySetDescriptor): void {
    const { device } = this.current;
    const descriptor = dawn(described);
    const bytes = querySetBytes(descriptor.count);
    const charge = device.memory.take(this.budget.gpuMemory, bytes);
    if (charge === undefined) {
      device.reportOutOfMemory("A query set", bytes, this.budget.gpuMemory);
      this.objects.querySets.allocate(handle, invalidQuerySet(device.dawn, descriptor));
      return;
    }
    const querySet = device.dawn.createQuerySet(descriptor);
    this.objects.querySets.allocate(handle, querySet);
    this.#charges.set(querySet, charge);
  }

  querySetDestroy(querySet: GPUQuerySet): void {
    querySet.destroy();
    this.releaseCharge(querySet);
  }

  deviceCreateShaderModule(handle: Handle, described: ShaderModuleDescriptor<M>): void {
    const { device } = this.current;
    const { label = "", code } = described;
    const bytes = Buffer.byteLength(code);
    const limit = this.budget.bounds.shaderKb * 1024;
    const charge = bytes > limit ? undefined : device.memory.take(this.budget.hostMemory, bytes);
    if (charge === undefined) {
      if (bytes > limit) {
        const message = `A shader module of ${bytes} bytes is over this session's limit (${limit}).`;
        device.report({ type: "validation", message });
      } else {
        device.reportOutOfMemory("A shader module", bytes, this.budget.hostMemory);
      }
      this.objects.shaderModules.allocate(handle, invalidShaderModule(device.dawn, label));
      return;
    }
    this.compile();
    const shaderModule = device.dawn.createShaderModule(dawn(described));
    this.objects.shaderModules.allocate(handle, shaderModule);
    this.#charges.set(shaderModule, charge);
  }

  deviceCreateComputePipeline(handle: Handle, descriptor: ComputePipelineDescriptor<M>): void {
    this.compile();
    const pipeline = this.current.device.dawn.createComputePipeline(dawn(descriptor));
    this.objects.computePipelines.allocate(handle, pipeline);
  }

  deviceCreateRenderPipeline(handle: Handle, descriptor: RenderPipelineDescriptor<M>): void {
    this.compile();
    const pipeline = this.current.device.dawn.createRenderPipeline(dawn(descriptor));
    this.objects.renderPipelines.allocate(handle, pipeline);
  }

  queueWriteBuffer(buffer: GPUBuffer, bufferOffset: number, data: Uint8Array): void {
    this.spend(this.budget.uploads, data.length);
    this.current.device.dawn.queue.writeBuffer(
      this.mappings.destination(buffer),
      bufferOffset,
      data,
    );
  }

  queueWriteTexture(
    destination: CopyTexture<M>,
    data: Uint8Array,
    layout: CopyLayout,
    size: Extent,
  ): void {
    this.spend(this.budget.uploads, data.length);
    const { queue } = this.current.device.dawn;
    queue.writeTexture(dawn(destination), data, dawn(layout), dawn(size));
  }

  /** Maps it on Dawn. What the guest reads is copied, which is charged until it is unmapped. */
  protected async mapBuffer(
    buffer: GPUBuffer,
    mode: number,
    offset: number,
    size: number | undefined,
  ): Promise<undefined> {
    const memory = this.#buffers.get(buffer);
    // Mapped already, or invalid: an error for Dawn to report.
    if (mode !== MAP_MODE_READ || memory === undefined || memory.mapped !== undefined) {
      return buffer.mapAsync(mode, offset, size);
    }
    const bytes = size ?? Math.max(0, buffer.size - offset);
    const { hostMemory, readbacks } = this.budget;
    const charge = memory.device.memory.take(hostMemory, Math.min(bytes, buffer.size));
    if (charge === undefined) {
      this.budget.tally.count("memory_refusals");
      const message = `The session has no host memory to map ${bytes} bytes: ${hostMemory.used} of ${hostMemory.quota} are in use.`;
      throw new DOMException(message, "OperationError");
    }
    memory.mapped = charge;
    this.spend(readbacks, Math.min(bytes, buffer.size));
    try {
      return await buffer.mapAsync(mode, offset, size);
    } catch (cause) {
      charge.release();
      if (memory.mapped === charge) memory.mapped = undefined;
      throw cause;
    }
  }

  /** The object is gone on Dawn. */
  protected releaseCharge(object: object): void {
    this.#charges.get(object)?.release();
  }

  /** The object that was charged elsewhere is released by releaseCharge(). */
  protected keepCharge(object: object, charge: Charge): void {
    this.#charges.set(object, charge);
  }

  protected compile(): void {
    this.budget.tally.count("compiles");
    this.spend(this.budget.compiles, 1);
  }

  /** Counts what a command takes of a rate. The commands after it wait where that is over the rate. */
  protected spend(gate: RateGate, amount: number): void {
    const wait = gate.spend(amount);
    if (wait >= SHORTEST_WAIT_MS) this.#pauseUntil(delay(wait, undefined, { ref: false }));
  }

  protected pauseUntil(settled: Promise<unknown>): void {
    this.#pauseUntil(settled);
  }

  #createBuffer(device: DeviceState, descriptor: GPUBufferDescriptor): GPUBuffer {
    if (!WriteMapping.fits(descriptor)) return createBuffer(device, descriptor);
    const mapping = new WriteMapping(device, descriptor, this.budget.gpuMemory);
    this.mappings.add(mapping);
    return mapping.buffer;
  }

  #releaseMap(buffer: GPUBuffer): void {
    const memory = this.#buffers.get(buffer);
    if (memory === undefined) return;
    memory.mapped?.release();
    memory.mapped = undefined;
  }
}
