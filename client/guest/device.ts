import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { GPU_ERROR_FILTER_NUMBERS } from "#shared/wire/gen/enums.ts";
import * as write from "#shared/wire/gen/write-commands.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { Writer } from "#shared/wire/writer.ts";
import { GPUAdapterInfo } from "./adapter-info.ts";
import { GPUBuffer } from "./buffer.ts";
import { GPUCommandEncoder } from "./command-encoder.ts";
import { createPipelineAsync, requirePipelineFormats } from "./create-pipeline.ts";
import { DeviceEvents } from "./device-events.ts";
import { createError, type GPUDeviceLostInfo, type GPUError } from "./errors.ts";
import { GPUSupportedFeatures } from "./features.ts";
import { requireFormat } from "./formats.ts";
import * as convert from "./gen/dictionaries.ts";
import * as plain from "./gen/plain-objects.ts";
import { GPURenderBundleEncoder } from "./gen/render-bundle-encoder.ts";
import * as slots from "./gen/slots.ts";
import { GPUSupportedLimits, type Limits } from "./gen/supported-limits.ts";
import {
  constructKey,
  type ConstructKey,
  defineInterface,
  requireConstructKey,
} from "./interface.ts";
import { relabel } from "./label.ts";
import { allocateMapped, dropMapping, mapAtCreation } from "./mapping.ts";
import { GPUComputePipeline, GPURenderPipeline } from "./pipelines.ts";
import { GPUQuerySet } from "./query-set.ts";
import { GPUQueue } from "./queue.ts";
import * as records from "./records.ts";
import { GPUShaderModule } from "./shader-module.ts";
import { bindingViewDimension, GPUTexture, roughBytes } from "./texture.ts";
import { requireArguments, toEnum, toUSVString } from "./webidl.ts";
import { wrap, wrapTracked } from "./wrap.ts";

type DeviceParts = {
  readonly record: records.DeviceRecord;
  readonly events: DeviceEvents;
  readonly adapterInfo: GPUAdapterInfo;
  readonly queueLabel: string;
};

export class GPUDevice extends EventTarget implements globalThis.GPUDevice {
  readonly #features: GPUSupportedFeatures;
  readonly #limits: GPUSupportedLimits;
  readonly #adapterInfo: GPUAdapterInfo;
  readonly #queue: GPUQueue;
  readonly #events: DeviceEvents;
  declare readonly __brand: "GPUDevice";

  constructor(key: ConstructKey, connect: (device: GPUDevice) => DeviceParts) {
    super();
    requireConstructKey(key);
    const { record, events, adapterInfo, queueLabel } = connect(this);
    void new slots.GPUDeviceSlot(this, record);
    this.#features = new GPUSupportedFeatures(constructKey, record.features);
    this.#limits = new GPUSupportedLimits(constructKey, record.limits);
    this.#adapterInfo = adapterInfo;
    this.#events = events;
    const queue = new records.DeviceObject(record, ObjectKind.GPUQueue, record, queueLabel);
    this.#queue = wrap(GPUQueue.prototype, slots.GPUQueueSlot, queue);
  }

  get features(): GPUSupportedFeatures {
    return this.#features;
  }

  get limits(): GPUSupportedLimits {
    return this.#limits;
  }

  get adapterInfo(): GPUAdapterInfo {
    return this.#adapterInfo;
  }

  get queue(): GPUQueue {
    return this.#queue;
  }

  get label(): string {
    return slots.GPUDeviceSlot.of(this).label;
  }

  set label(value: string) {
    relabel(slots.GPUDeviceSlot.of(this), toUSVString(value));
  }

  get lost(): Promise<GPUDeviceLostInfo> {
    // A getter of a promise rejects, it does not throw.
    if (!(#events in this)) return Promise.reject(new TypeError("The value is not a GPUDevice."));
    return this.#events.lost;
  }

  get onuncapturederror() {
    return this.#events.handler;
  }

  set onuncapturederror(value: DeviceEvents["handler"]) {
    this.#events.handler = value;
  }

  destroy(): undefined {
    const device = slots.GPUDeviceSlot.of(this);
    const { stream } = device;
    for (const buffer of device.mapped) dropMapping(buffer);
    stream.useDevice(device);
    write.writeDeviceDestroy(stream.writer);
    stream.recorded();
    device.lose("destroyed", "The program destroyed the device.");
  }

  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createBuffer");
    const { label = "", ...typed } = convert.toGPUBufferDescriptor(descriptor);
    const isMapped = typed.mappedAtCreation === true;
    const memory = isMapped ? allocateMapped(typed.size) : undefined;
    const handle = create(device, ObjectKind.GPUBuffer, (writer, made) =>
      write.writeDeviceCreateBuffer(writer, made, { label, ...typed }),
    );
    const record = new records.BufferRecord(device, handle, { label, ...typed });
    if (memory !== undefined) mapAtCreation(record, memory);
    return wrapTracked(GPUBuffer.prototype, slots.GPUBufferSlot, record);
  }

  createTexture(descriptor: GPUTextureDescriptor): GPUTexture {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createTexture");
    const typed = convert.toGPUTextureDescriptor(descriptor);
    requireFormat(device, typed.format);
    for (const format of typed.viewFormats ?? []) requireFormat(device, format);
    const handle = create(device, ObjectKind.GPUTexture, (writer, made) =>
      write.writeDeviceCreateTexture(writer, made, typed),
    );
    const { width, height = 1, depthOrArrayLayers = 1 } = typed.size;
    const { mipLevelCount = 1, sampleCount = 1, dimension = "2d", format, usage } = typed;
    const record = new records.TextureRecord(device, handle, typed.label ?? "", {
      width,
      height,
      depthOrArrayLayers,
      mipLevelCount,
      sampleCount,
      dimension,
      format,
      usage,
      textureBindingViewDimension: bindingViewDimension(device, typed),
    });
    record.bytes = roughBytes(record.shape);
    return wrapTracked(GPUTexture.prototype, slots.GPUTextureSlot, record);
  }

  createSampler(descriptor: GPUSamplerDescriptor | undefined = undefined): globalThis.GPUSampler {
    const device = slots.GPUDeviceSlot.of(this);
    const typed = convert.toGPUSamplerDescriptor(descriptor);
    const kind = ObjectKind.GPUSampler;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreateSampler(writer, made, typed),
    );
    const record = new records.DeviceObject(device, kind, handle, typed.label ?? "");
    return wrapTracked(plain.GPUSampler.prototype, slots.GPUSamplerSlot, record);
  }

  importExternalTexture(descriptor: GPUExternalTextureDescriptor): globalThis.GPUExternalTexture {
    slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.importExternalTexture");
    void descriptor;
    throw new DOMException("The GPU host has no external textures.", "NotSupportedError");
  }

  createBindGroupLayout(descriptor: GPUBindGroupLayoutDescriptor): globalThis.GPUBindGroupLayout {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createBindGroupLayout");
    const typed = convert.toGPUBindGroupLayoutDescriptor(descriptor);
    for (const { storageTexture } of typed.entries) {
      if (storageTexture !== undefined) requireFormat(device, storageTexture.format);
    }
    const kind = ObjectKind.GPUBindGroupLayout;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreateBindGroupLayout(writer, made, typed),
    );
    const record = new records.DeviceObject(device, kind, handle, typed.label ?? "");
    return wrapTracked(plain.GPUBindGroupLayout.prototype, slots.GPUBindGroupLayoutSlot, record);
  }

  createPipelineLayout(descriptor: GPUPipelineLayoutDescriptor): globalThis.GPUPipelineLayout {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createPipelineLayout");
    const typed = convert.toGPUPipelineLayoutDescriptor(descriptor);
    const kind = ObjectKind.GPUPipelineLayout;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreatePipelineLayout(writer, made, typed),
    );
    const record = new records.DeviceObject(device, kind, handle, typed.label ?? "");
    return wrapTracked(plain.GPUPipelineLayout.prototype, slots.GPUPipelineLayoutSlot, record);
  }

  createBindGroup(descriptor: GPUBindGroupDescriptor): globalThis.GPUBindGroup {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createBindGroup");
    const held: records.WireObject[] = [];
    const typed = convert.toGPUBindGroupDescriptor(descriptor, held);
    const kind = ObjectKind.GPUBindGroup;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreateBindGroup(writer, made, typed),
    );
    const record = new records.DeviceObject(device, kind, handle, typed.label ?? "", held);
    return wrapTracked(plain.GPUBindGroup.prototype, slots.GPUBindGroupSlot, record);
  }

  createShaderModule(descriptor: GPUShaderModuleDescriptor): GPUShaderModule {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createShaderModule");
    const typed = convert.toGPUShaderModuleDescriptor(descriptor);
    const kind = ObjectKind.GPUShaderModule;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreateShaderModule(writer, made, typed),
    );
    const record = new records.DeviceObject(device, kind, handle, typed.label ?? "");
    return wrapTracked(GPUShaderModule.prototype, slots.GPUShaderModuleSlot, record);
  }

  createComputePipeline(descriptor: GPUComputePipelineDescriptor): GPUComputePipeline {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createComputePipeline");
    const typed = convert.toGPUComputePipelineDescriptor(descriptor);
    const handle = create(device, ObjectKind.GPUComputePipeline, (writer, made) =>
      write.writeDeviceCreateComputePipeline(writer, made, typed),
    );
    return wrapComputePipeline(device, handle, typed.label);
  }

  createRenderPipeline(descriptor: GPURenderPipelineDescriptor): GPURenderPipeline {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createRenderPipeline");
    const typed = convert.toGPURenderPipelineDescriptor(descriptor);
    requirePipelineFormats(device, typed);
    const handle = create(device, ObjectKind.GPURenderPipeline, (writer, made) =>
      write.writeDeviceCreateRenderPipeline(writer, made, typed),
    );
    return wrapRenderPipeline(device, handle, typed.label);
  }

  async createComputePipelineAsync(
    descriptor: GPUComputePipelineDescriptor,
  ): Promise<GPUComputePipeline> {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createComputePipelineAsync");
    const typed = convert.toGPUComputePipelineDescriptor(descriptor);
    const kind = ObjectKind.GPUComputePipeline;
    const handle = await createPipelineAsync(device, kind, (writer, request, made) =>
      write.writeDeviceCreateComputePipelineAsync(writer, request, made, typed),
    );
    return wrapComputePipeline(device, handle, typed.label);
  }

  async createRenderPipelineAsync(
    descriptor: GPURenderPipelineDescriptor,
  ): Promise<GPURenderPipeline> {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createRenderPipelineAsync");
    const typed = convert.toGPURenderPipelineDescriptor(descriptor);
    requirePipelineFormats(device, typed);
    const kind = ObjectKind.GPURenderPipeline;
    const handle = await createPipelineAsync(device, kind, (writer, request, made) =>
      write.writeDeviceCreateRenderPipelineAsync(writer, request, made, typed),
    );
    return wrapRenderPipeline(device, handle, typed.label);
  }

  createCommandEncoder(
    descriptor: GPUCommandEncoderDescriptor | undefined = undefined,
  ): GPUCommandEncoder {
    const device = slots.GPUDeviceSlot.of(this);
    const { stream } = device;
    const typed = convert.toGPUCommandEncoderDescriptor(descriptor);
    const kind = ObjectKind.GPUCommandEncoder;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreateCommandEncoder(writer, made, typed),
    );
    const holder = new records.Holder(stream.nextSerial());
    const label = typed.label ?? "";
    const record = new records.CommandEncoderRecord(device, kind, handle, label, holder);
    stream.commandEncoder = record;
    return wrapTracked(GPUCommandEncoder.prototype, slots.GPUCommandEncoderSlot, record);
  }

  createRenderBundleEncoder(descriptor: GPURenderBundleEncoderDescriptor): GPURenderBundleEncoder {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createRenderBundleEncoder");
    const { stream } = device;
    const typed = convert.toGPURenderBundleEncoderDescriptor(descriptor);
    for (const format of typed.colorFormats) if (format !== null) requireFormat(device, format);
    if (typed.depthStencilFormat !== undefined) requireFormat(device, typed.depthStencilFormat);
    const kind = ObjectKind.GPURenderBundleEncoder;
    const handle = create(device, kind, (writer, made) =>
      write.writeDeviceCreateRenderBundleEncoder(writer, made, typed),
    );
    const holder = new records.Holder(stream.nextSerial());
    const record = new records.EncoderRecord(device, kind, handle, typed.label ?? "", holder);
    stream.renderBundleEncoder = record;
    return wrapTracked(GPURenderBundleEncoder.prototype, slots.GPURenderBundleEncoderSlot, record);
  }

  createQuerySet(descriptor: GPUQuerySetDescriptor): GPUQuerySet {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.createQuerySet");
    const { label = "", ...typed } = convert.toGPUQuerySetDescriptor(descriptor);
    if (typed.type === "timestamp" && !device.features.has("timestamp-query")) {
      throw new TypeError('A query set of type "timestamp" needs the feature "timestamp-query".');
    }
    const handle = create(device, ObjectKind.GPUQuerySet, (writer, made) =>
      write.writeDeviceCreateQuerySet(writer, made, { label, ...typed }),
    );
    const record = new records.QuerySetRecord(device, handle, { label, ...typed });
    return wrapTracked(GPUQuerySet.prototype, slots.GPUQuerySetSlot, record);
  }

  pushErrorScope(filter: GPUErrorFilter): undefined {
    const device = slots.GPUDeviceSlot.of(this);
    requireArguments(arguments.length, 1, "GPUDevice.pushErrorScope");
    const typed = toEnum<GPUErrorFilter>(filter, GPU_ERROR_FILTER_NUMBERS, "GPUErrorFilter");
    device.errorScopeCount++;
    device.stream.useDevice(device);
    write.writeDevicePushErrorScope(device.stream.writer, typed);
    device.stream.recorded();
  }

  async popErrorScope(): Promise<GPUError | null> {
    const device = slots.GPUDeviceSlot.of(this);
    if (device.isLost) return null;
    if (device.errorScopeCount === 0) {
      throw new DOMException("The device has no error scope to pop.", "OperationError");
    }
    device.errorScopeCount--;
    const reply = await device.connection.request(device, write.writeDevicePopErrorScope);
    if (reply?.kind === "rejected") throw new DOMException(reply.message, reply.name);
    if (reply?.kind !== "errorScope" || reply.error === null) return null;
    return createError(reply.error.type, reply.error.message);
  }

  static {
    defineInterface(this);
  }
}

/** A device's methods say which device they mean by making it the current one. */
function create(
  device: records.DeviceRecord,
  kind: number,
  writeCommand: (writer: Writer, handle: Handle) => void,
): Handle {
  device.stream.useDevice(device);
  return device.stream.create(kind, writeCommand);
}

function wrapComputePipeline(
  device: records.DeviceRecord,
  handle: Handle,
  label = "",
): GPUComputePipeline {
  const record = new records.DeviceObject(device, ObjectKind.GPUComputePipeline, handle, label);
  return wrapTracked(GPUComputePipeline.prototype, slots.GPUComputePipelineSlot, record);
}

function wrapRenderPipeline(
  device: records.DeviceRecord,
  handle: Handle,
  label = "",
): GPURenderPipeline {
  const record = new records.DeviceObject(device, ObjectKind.GPURenderPipeline, handle, label);
  return wrapTracked(GPURenderPipeline.prototype, slots.GPURenderPipelineSlot, record);
}

/** The device that the worker made for the adapter; lost already where the connection has ended. */
export function createDevice(
  adapter: records.AdapterRecord,
  handle: Handle,
  known: {
    readonly label: string;
    readonly queueLabel: string;
    readonly features: ReadonlySet<string>;
    readonly limits: Limits;
  },
): GPUDevice {
  const { connection } = adapter;
  return new GPUDevice(constructKey, (wrapper) => {
    const events = new DeviceEvents(wrapper, connection.report);
    const record = new records.DeviceRecord(connection, handle, known.label, {
      features: known.features,
      limits: known.limits,
      onLost: (reason, message) => events.loseDevice(reason, message),
      onUncapturedError: (type, message) => events.dispatchError(type, message),
    });
    record.wrapper = wrapper;
    connection.stream.track(record);
    connection.addDevice(record);
    // Of the same content, and another object than the adapter's.
    const adapterInfo = new GPUAdapterInfo(constructKey, adapter.info);
    return { record, events, adapterInfo, queueLabel: known.queueLabel };
  });
}
