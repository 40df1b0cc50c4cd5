import type { AdapterReply, Limits } from "#shared/wire/replies.ts";

/** What the guest has to know of an adapter, since its getters answer without asking. */
export function describeAdapter(adapter: GPUAdapter, gpu: GPU): AdapterReply {
  const { info } = adapter;
  return {
    features: [...adapter.features],
    limits: describeLimits(adapter.limits),
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

function describeLimits(supported: GPUSupportedLimits): Limits {
  const limits: Record<string, number> = {};
  // Getters of the prototype, which Dawn makes enumerable.
  for (const name in supported) {
    const value: unknown = Reflect.get(supported, name);
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}
