import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { GPUDeviceDescriptor as WireDeviceDescriptor } from "#shared/wire/gen/dictionaries.ts";
import { writeAdapterRequestDevice } from "#shared/wire/gen/write-commands.ts";
import type { GPUAdapterInfo } from "./adapter-info.ts";
import { createDevice } from "./device.ts";
import type { GPUSupportedFeatures } from "./features.ts";
import { toGPUDeviceDescriptor } from "./gen/dictionaries.ts";
import { GPUAdapterSlot } from "./gen/slots.ts";
import { type GPUSupportedLimits, isLimitName } from "./gen/supported-limits.ts";
import { defineInterface } from "./interface.ts";
import { completeLimits } from "./limits.ts";
import type { AdapterRecord } from "./records.ts";
import { illegalConstructor } from "./webidl.ts";

export class GPUAdapter implements globalThis.GPUAdapter {
  declare readonly __brand: "GPUAdapter";

  constructor() {
    throw illegalConstructor();
  }

  get features(): GPUSupportedFeatures {
    return GPUAdapterSlot.of(this).features;
  }

  get limits(): GPUSupportedLimits {
    return GPUAdapterSlot.of(this).limits;
  }

  get info(): GPUAdapterInfo {
    return GPUAdapterSlot.of(this).info;
  }

  async requestDevice(
    descriptor: GPUDeviceDescriptor | undefined = undefined,
  ): Promise<globalThis.GPUDevice> {
    const adapter = GPUAdapterSlot.of(this);
    return requestDevice(adapter, toGPUDeviceDescriptor(descriptor));
  }

  static {
    defineInterface(this);
  }
}

async function requestDevice(
  adapter: AdapterRecord,
  descriptor: WireDeviceDescriptor,
): Promise<globalThis.GPUDevice> {
  requireFeatures(adapter, descriptor.requiredFeatures ?? []);
  requireLimits(adapter, descriptor.requiredLimits ?? {});
  if (adapter.isConsumed) {
    throw new DOMException("The adapter has given its device: request another.", "OperationError");
  }
  adapter.isConsumed = true;
  const { connection } = adapter;
  const { reply, handle } = await connection.requestObject(
    undefined,
    ObjectKind.GPUDevice,
    (writer, request, made) =>
      writeAdapterRequestDevice(writer, request, adapter, made, descriptor),
  );
  if (reply?.kind === "rejected") {
    adapter.isConsumed = false;
    if (reply.name === "TypeError") throw new TypeError(reply.message);
    throw new DOMException(reply.message, reply.name);
  }
  // Where the connection has ended there is no answer: the device is lost from the start.
  const isMade = reply?.kind === "device";
  return createDevice(adapter, handle, {
    label: descriptor.label ?? "",
    queueLabel: descriptor.defaultQueue?.label ?? "",
    features: new Set(isMade ? reply.features : []),
    limits: completeLimits(isMade ? reply.limits : {}),
  });
}

function requireFeatures(adapter: AdapterRecord, features: readonly string[]): void {
  for (const feature of features) {
    if (!adapter.features.has(feature)) {
      throw new TypeError(`The adapter has no feature "${feature}".`);
    }
  }
}

function requireLimits(adapter: AdapterRecord, limits: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(limits)) {
    const problem = isLimitName(name)
      ? limitProblem(name, value, adapter.limits[name])
      : "is no limit of WebGPU";
    if (problem !== undefined) {
      throw new DOMException(`The required limit ${name} ${problem}.`, "OperationError");
    }
  }
}

function limitProblem(name: string, value: number, supported: number): string | undefined {
  // Alignments are minima, and powers of two; the other limits are maxima.
  if (!name.endsWith("Alignment")) {
    return value > supported ? `(${value}) is over the adapter's (${supported})` : undefined;
  }
  if (value > 2 ** 31 || !Number.isInteger(Math.log2(value))) {
    return `(${value}) is no power of two below 2^32`;
  }
  return value < supported ? `(${value}) is under the adapter's (${supported})` : undefined;
}
