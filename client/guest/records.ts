import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { GPUAdapterInfo } from "./adapter-info.ts";
import type { Connection } from "./connection.ts";
import type { GPUSupportedFeatures } from "./features.ts";
import type { GPUSupportedLimits, Limits } from "./gen/supported-limits.ts";
import type { Mapping } from "./mapping.ts";
import type { Stream } from "./stream.ts";
import { WeakRefs } from "./weak-refs.ts";

// What the guest knows of the objects of its worker. A wrapper (the object that the program has)
// holds its record, and a record holds those whose release would destroy what it needs: what the
// collector takes is therefore out of the program's reach, and is released.

type Kind = typeof ObjectKind;

export class WireObject<K extends number = number> {
  /** 0 once the object is retired: the worker has let go of it, and it can only be misused. */
  id: number;
  generation: number;
  readonly kind: K;
  readonly stream: Stream;
  label: string;
  /** What the worker's GPU has in memory for it, near enough; the worker reckons exactly. */
  bytes = 0;
  /** The serial of the last Holder that took it, so that one takes it once. */
  heldBy = 0;

  constructor(stream: Stream, kind: K, handle: Handle, label: string) {
    this.id = handle.id;
    this.generation = handle.generation;
    this.kind = kind;
    this.stream = stream;
    this.label = label;
  }
}

export class AdapterRecord extends WireObject<Kind["GPUAdapter"]> {
  readonly connection: Connection;
  readonly features: GPUSupportedFeatures;
  readonly limits: GPUSupportedLimits;
  readonly info: GPUAdapterInfo;
  /** By a requestDevice that passed its checks: an adapter gives one device. */
  isConsumed = false;

  constructor(
    connection: Connection,
    handle: Handle,
    known: Pick<AdapterRecord, "features" | "limits" | "info">,
  ) {
    super(connection.stream, ObjectKind.GPUAdapter, handle, "");
    this.connection = connection;
    this.features = known.features;
    this.limits = known.limits;
    this.info = known.info;
  }
}

export class DeviceRecord extends WireObject<Kind["GPUDevice"]> {
  readonly connection: Connection;
  readonly features: ReadonlySet<string>;
  readonly limits: Limits;
  /** Called once, with what the program's `lost` promise then resolves with. */
  readonly onLost: (reason: GPUDeviceLostReason, message: string) => void;
  readonly onUncapturedError: (type: GPUErrorFilter, message: string) => void;
  /** What the program has; it lives as long as anything that the device made, for its events. */
  wrapper: globalThis.GPUDevice | undefined;
  /** Why the device is lost, in a sentence. */
  lostMessage: string | undefined;
  errorScopeCount = 0;
  /** The buffers that destroy() has to unmap; weak, since a program may drop one mapped. */
  readonly mapped = new WeakRefs<BufferRecord>();

  constructor(
    connection: Connection,
    handle: Handle,
    label: string,
    known: Pick<DeviceRecord, "features" | "limits" | "onLost" | "onUncapturedError">,
  ) {
    super(connection.stream, ObjectKind.GPUDevice, handle, label);
    this.connection = connection;
    this.features = known.features;
    this.limits = known.limits;
    this.onLost = known.onLost;
    this.onUncapturedError = known.onUncapturedError;
  }

  get isLost(): boolean {
    return this.lostMessage !== undefined;
  }

  lose(reason: GPUDeviceLostReason, message: string): void {
    if (this.isLost) return;
    this.lostMessage = message;
    this.onLost(reason, message);
  }
}

/** An object that a device made. */
export class DeviceObject<K extends number = number> extends WireObject<K> {
  readonly device: DeviceRecord;
  /** Kept alive with it. */
  held: unknown;

  constructor(device: DeviceRecord, kind: K, handle: Handle, label: string, held?: unknown) {
    super(device.stream, kind, handle, label);
    this.device = device;
    this.held = held;
  }
}

export class BufferRecord extends DeviceObject<Kind["GPUBuffer"]> {
  readonly size: number;
  readonly usage: number;
  isDestroyed = false;
  mapping: Mapping | undefined;
  /** Rejects the promise of a map that was asked for while it was mapped, until it is refused. */
  cancelRefused: ((error: DOMException) => void) | undefined;
  /** The content of a buffer that only the guest writes (MAP_WRITE), once it has been written. */
  shadow: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    device: DeviceRecord,
    handle: Handle,
    descriptor: { readonly label: string; readonly size: number; readonly usage: number },
  ) {
    super(device, ObjectKind.GPUBuffer, handle, descriptor.label);
    this.size = descriptor.size;
    this.usage = descriptor.usage;
    this.bytes = descriptor.size;
  }
}

export type TextureShape = {
  readonly width: number;
  readonly height: number;
  readonly depthOrArrayLayers: number;
  readonly mipLevelCount: number;
  readonly sampleCount: number;
  readonly dimension: GPUTextureDimension;
  readonly format: GPUTextureFormat;
  readonly usage: number;
  readonly textureBindingViewDimension: GPUTextureViewDimension | undefined;
};

export class TextureRecord extends DeviceObject<Kind["GPUTexture"]> {
  readonly shape: TextureShape;

  constructor(device: DeviceRecord, handle: Handle, label: string, shape: TextureShape) {
    super(device, ObjectKind.GPUTexture, handle, label);
    this.shape = shape;
  }
}

export class QuerySetRecord extends DeviceObject<Kind["GPUQuerySet"]> {
  readonly type: GPUQueryType;
  readonly count: number;

  constructor(
    device: DeviceRecord,
    handle: Handle,
    descriptor: { readonly label: string; readonly type: GPUQueryType; readonly count: number },
  ) {
    super(device, ObjectKind.GPUQuerySet, handle, descriptor.label);
    this.type = descriptor.type;
    this.count = descriptor.count;
  }
}

/** Gathers what one encoder's commands use, so that it outlives them. */
export class Holder {
  readonly serial: number;
  held: WireObject[] = [];

  constructor(serial: number) {
    this.serial = serial;
  }

  hold(record: WireObject): void {
    record.heldBy = this.serial;
    this.held.push(record);
  }

  /** The encoder is finished: what it made holds all of it from now on, and it holds nothing. */
  take(): readonly WireObject[] {
    const { held } = this;
    this.held = [];
    return held;
  }
}

/** An encoder, or a pass of one, which shares its encoder's holder. */
export class EncoderRecord<K extends number> extends DeviceObject<K> {
  readonly holder: Holder;

  constructor(device: DeviceRecord, kind: K, handle: Handle, label: string, holder: Holder) {
    super(device, kind, handle, label);
    this.holder = holder;
  }
}

export class CommandEncoderRecord extends EncoderRecord<Kind["GPUCommandEncoder"]> {
  /** Retired together with the encoder. */
  readonly passes: PassRecord[] = [];
}

export type PassRecord =
  | EncoderRecord<Kind["GPURenderPassEncoder"]>
  | EncoderRecord<Kind["GPUComputePassEncoder"]>;

/** What stands for the objects of each interface, in descriptors and commands. */
export type Records = {
  GPUAdapter: AdapterRecord;
  GPUDevice: DeviceRecord;
  GPUBuffer: BufferRecord;
  GPUTexture: TextureRecord;
  GPUTextureView: DeviceObject<Kind["GPUTextureView"]>;
  GPUSampler: DeviceObject<Kind["GPUSampler"]>;
  GPUBindGroupLayout: DeviceObject<Kind["GPUBindGroupLayout"]>;
  GPUBindGroup: DeviceObject<Kind["GPUBindGroup"]>;
  GPUPipelineLayout: DeviceObject<Kind["GPUPipelineLayout"]>;
  GPUShaderModule: DeviceObject<Kind["GPUShaderModule"]>;
  GPUComputePipeline: DeviceObject<Kind["GPUComputePipeline"]>;
  GPURenderPipeline: DeviceObject<Kind["GPURenderPipeline"]>;
  GPUCommandBuffer: DeviceObject<Kind["GPUCommandBuffer"]>;
  GPUCommandEncoder: CommandEncoderRecord;
  GPUComputePassEncoder: EncoderRecord<Kind["GPUComputePassEncoder"]>;
  GPURenderPassEncoder: EncoderRecord<Kind["GPURenderPassEncoder"]>;
  GPURenderBundle: DeviceObject<Kind["GPURenderBundle"]>;
  GPURenderBundleEncoder: EncoderRecord<Kind["GPURenderBundleEncoder"]>;
  GPUQueue: DeviceObject<Kind["GPUQueue"]>;
  GPUQuerySet: QuerySetRecord;
  Surface: WireObject<Kind["Surface"]>;
};

/** Appends the record to what something will hold. */
export function hold<T extends WireObject>(record: T, held: WireObject[]): T {
  held.push(record);
  return record;
}
