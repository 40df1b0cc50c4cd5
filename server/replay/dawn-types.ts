import type { ObjectMap } from "#shared/wire/gen/objects.ts";
import type { DeviceState } from "./device-state.ts";
import type {
  BundleEncoderState,
  CommandEncoderState,
  ComputePassState,
  RenderPassState,
} from "./encoder-state.ts";
import type { SurfaceState } from "./surface-state.ts";

/** What the tables hold for each kind of object, and so what the decoder finds for an id. */
export interface DawnObjects extends ObjectMap {
  GPUAdapter: GPUAdapter;
  GPUDevice: DeviceState;
  GPUBuffer: GPUBuffer;
  GPUTexture: GPUTexture;
  GPUTextureView: GPUTextureView;
  GPUSampler: GPUSampler;
  GPUBindGroupLayout: GPUBindGroupLayout;
  GPUBindGroup: GPUBindGroup;
  GPUPipelineLayout: GPUPipelineLayout;
  GPUShaderModule: GPUShaderModule;
  GPUComputePipeline: GPUComputePipeline;
  GPURenderPipeline: GPURenderPipeline;
  GPUCommandBuffer: GPUCommandBuffer;
  GPUCommandEncoder: CommandEncoderState;
  GPUComputePassEncoder: ComputePassState;
  GPURenderPassEncoder: RenderPassState;
  GPURenderBundle: GPURenderBundle;
  GPURenderBundleEncoder: BundleEncoderState;
  GPUQueue: GPUQueue;
  GPUQuerySet: GPUQuerySet;
  Surface: SurfaceState;
}

/** `T` without the `undefined` that its optional members allow. Dawn's objects stay as they are. */
type Defined<T> = T extends GPUObjectBase | string | number | boolean | null | undefined
  ? T
  : { [K in keyof T]: Defined<Exclude<T[K], undefined>> };

/**
 * Gives a decoded dictionary the type that Dawn's methods want. The decoder leaves absent members out,
 * while the wire's types, which the guest shares, also let them be undefined.
 */
export function dawn<T>(dictionary: T): Defined<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- See above.
  return dictionary as Defined<T>;
}
