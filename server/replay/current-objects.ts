import { ProtocolError } from "#shared/wire/errors.ts";
import type { DeviceState } from "./device-state.ts";
import type {
  BundleEncoderState,
  CommandEncoderState,
  ComputePassState,
  RenderPassState,
} from "./encoder-state.ts";

/** The objects that commands mean without naming them: one of each of these kinds, or none. */
export class CurrentObjects {
  #device: DeviceState | undefined;
  #commandEncoder: CommandEncoderState | undefined;
  #renderPassEncoder: RenderPassState | undefined;
  #computePassEncoder: ComputePassState | undefined;
  #renderBundleEncoder: BundleEncoderState | undefined;

  get device(): DeviceState {
    return this.#device ?? refuse("GPUDevice");
  }
  set device(device: DeviceState) {
    this.#device = device;
  }

  get commandEncoder(): CommandEncoderState {
    return this.#commandEncoder ?? refuse("GPUCommandEncoder");
  }
  set commandEncoder(encoder: CommandEncoderState) {
    this.#commandEncoder = encoder;
  }

  get renderPassEncoder(): RenderPassState {
    return this.#renderPassEncoder ?? refuse("GPURenderPassEncoder");
  }
  set renderPassEncoder(pass: RenderPassState) {
    this.#renderPassEncoder = pass;
  }

  get computePassEncoder(): ComputePassState {
    return this.#computePassEncoder ?? refuse("GPUComputePassEncoder");
  }
  set computePassEncoder(pass: ComputePassState) {
    this.#computePassEncoder = pass;
  }

  get renderBundleEncoder(): BundleEncoderState {
    return this.#renderBundleEncoder ?? refuse("GPURenderBundleEncoder");
  }
  set renderBundleEncoder(encoder: BundleEncoderState) {
    this.#renderBundleEncoder = encoder;
  }

  /** The object was released: if it is current, none of its kind is any more. */
  forget(object: unknown): void {
    if (object === this.#device) this.#device = undefined;
    if (object === this.#commandEncoder) this.#commandEncoder = undefined;
    if (object === this.#renderPassEncoder) this.#renderPassEncoder = undefined;
    if (object === this.#computePassEncoder) this.#computePassEncoder = undefined;
    if (object === this.#renderBundleEncoder) this.#renderBundleEncoder = undefined;
  }
}

function refuse(kind: string): never {
  throw new ProtocolError(`A command means the current ${kind}, and there is none.`);
}
