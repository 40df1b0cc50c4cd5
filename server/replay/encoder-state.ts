import type { BoundState } from "./bound-state.ts";
import type { DeviceState } from "./device-state.ts";
import type { Recording } from "./recording.ts";
import type { WriteMapping } from "./write-mapping.ts";

// What replay remembers of the objects that record. No WebGPU call takes one as an argument, so the
// tables hold these in the place of Dawn's objects.

export type CommandEncoderState = {
  readonly dawn: GPUCommandEncoder;
  readonly device: DeviceState;
  readonly recording: Recording;
  /** Of the passes begun and not ended: finishing the encoder ends them too. */
  readonly openPasses: Set<BoundState>;
  /** The buffers mapped for writing that its commands read: none may be mapped at submit. */
  reads: Set<WriteMapping> | undefined;
};

export type RenderPassState = {
  readonly dawn: GPURenderPassEncoder;
  readonly device: DeviceState;
  readonly recording: Recording;
  readonly bound: BoundState;
  readonly openPasses: Set<BoundState>;
};

export type ComputePassState = {
  readonly dawn: GPUComputePassEncoder;
  readonly device: DeviceState;
  readonly recording: Recording;
  readonly bound: BoundState;
  readonly openPasses: Set<BoundState>;
};

export type BundleEncoderState = {
  readonly dawn: GPURenderBundleEncoder;
  readonly device: DeviceState;
  readonly recording: Recording;
  readonly bound: BoundState;
};
