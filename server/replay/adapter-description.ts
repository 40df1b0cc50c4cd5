import type { AdapterReply, Limits } from "#shared/wire/replies.ts";
import type { Bounds } from "./bounds.ts";

// What WebGPU guarantees of any adapter: no limit that is shown is lower.
const GUARANTEED_BUFFER_BYTES = 256 * 1024 * 1024;
const GUARANTEED_STORAGE_BINDING_BYTES = 128 * 1024 * 1024;
const GUARANTEED_SIDE_2D = 8192;
const GUARANTEED_SIDE_3D = 2048;
/** Of the commonest formats, such as rgba8unorm. */
const TEXEL_BYTES = 4;

/** What the guest has to know of an adapter, since its getters answer without asking. */
export function describeAdapter(adapter: GPUAdapter, gpu: GPU, bounds: Bounds): AdapterReply {
  const { info } = adapter;
  return {
    features: [...adapter.features],
    limits: fitLimits(describeLimits(adapter.limits), bounds),
    info: {
      vendor: info.vendor,
      architecture: info.architecture,
      device: info.device,
      description: info.description,
      // The specification's values for an adapter that does not say.
      subgroupMinSize: info.subgroupMinSize ?? 4,
      subgroupMaxSize: info.subgroupMaxSize ?? 128,
      isFallbackAdapter: info.isFallbackAdapter,
    },
    wgslLanguageFeatures: [...gpu.wgslLanguageFeatures],
  };
}

export function describeDevice(device: GPUDevice): {
  readonly features: readonly string[];
  readonly limits: Limits;
} {
  return { features: [...device.features], limits: describeLimits(device.limits) };
}

/** Throws what requestDevice() rejects with where a required limit is over what the adapter shows. */
export function requireShownLimits(
  {
    requiredLimits = {},
  }: { readonly requiredLimits?: Readonly<Record<string, number>> | undefined },
  adapter: GPUAdapter,
  bounds: Bounds,
): void {
  const limits = describeLimits(adapter.limits);
  const shown = fitLimits(limits, bounds);
  for (const [name, value] of Object.entries(requiredLimits)) {
    const limit = shown[name];
    if (limit === undefined || limit === limits[name] || value <= limit) continue;
    const message = `The required limit ${name} (${value}) is over this session's (${limit}).`;
    throw new DOMException(message, "OperationError");
  }
}

/** The limits of an adapter that has no more memory than the session may use. */
export function fitLimits(limits: Limits, { gpuMemoryMb }: Bounds): Limits {
  const bytes = gpuMemoryMb * 1024 * 1024;
  const most: Limits = {
    maxBufferSize: Math.max(GUARANTEED_BUFFER_BYTES, bytes),
    maxStorageBufferBindingSize: Math.max(GUARANTEED_STORAGE_BINDING_BYTES, bytes),
    maxTextureDimension2D: Math.max(GUARANTEED_SIDE_2D, longestSide(bytes, 2)),
    maxTextureDimension3D: Math.max(GUARANTEED_SIDE_3D, longestSide(bytes, 3)),
  };
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [name, Math.min(value, most[name] ?? value)]),
  );
}

/** The side of the largest square or cube of texels that fits, as a power of two. */
function longestSide(bytes: number, dimensions: number): number {
  return 2 ** Math.floor(Math.log2(bytes / TEXEL_BYTES) / dimensions);
}

function describeLimits(supported: GPUSupportedLimits): Limits {
  const limits: Record<string, number> = {};
  // Getters of the prototype, which Dawn makes enumerable.
  for (const name in supported) {
    const value: unknown = Reflect.get(supported, name);
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}
