import { ProtocolError } from "#shared/wire/errors.ts";
import type { DeviceState } from "./device-state.ts";
import type {
  BundleEncoderState,
  CommandEncoderState,
  ComputePassState,
  RenderPassState,
} from "./encoder-state.ts";
import type { Recording } from "./recording.ts";

/** The objects that commands mean without naming them: one of each of these kinds, or none. */
export class CurrentObjects {
  #device: DeviceState | undefined;
  #commandEncoder: CommandEncoderState | undefined;
  #renderPassEncoder: RenderPassState | undefined;
  #computePassEncoder: ComputePassState | undefined;
  #renderBundleEncoder: BundleEncoderState | undefined;
  /** Of the encoder that the command being replayed means. */
  #recording: Recording | undefined;

  get device(): DeviceState {
    return this.#device ?? refuse("GPUDevice");
  }
  set device(device: DeviceState) {
    this.#device = device;
  }

  get commandEncoder(): CommandEncoderState {
    const encoder = this.#commandEncoder ?? refuse("GPUCommandEncoder");
    this.#recording = encoder.recording;
    return encoder;
  }
  set commandEncoder(encoder: CommandEncoderState) {
    this.#commandEncoder = encoder;
  }

  get renderPassEncoder(): RenderPassState {
    const encoder = this.#renderPassEncoder ?? refuse("GPURenderPassEncoder");
    this.#recording = encoder.recording;
    return encoder;
  }
  set renderPassEncoder(pass: RenderPassState) {
    this.#renderPassEncoder = pass;
  }

  get computePassEncoder(): ComputePassState {
    const encoder = this.#computePassEncoder ?? refuse("GPUComputePassEncoder");
    this.#recording = encoder.recording;
    return encoder;
  }
  set computePassEncoder(pass: ComputePassState) {
    this.#computePassEncoder = pass;
  }

  get renderBundleEncoder(): BundleEncoderState {
    const encoder = this.#renderBundleEncoder ?? refuse("GPURenderBundleEncoder");
    this.#recording = encoder.recording;
    return encoder;
  }
  set renderBundleEncoder(encoder: BundleEncoderState) {
    this.#renderBundleEncoder = encoder;
  }

  /** A command was replayed that took this many bytes on the wire: the encoder that it meant, if any, keeps it. */
  replayed(wireBytes: number): void {
    const recording = this.#recording;
    if (recording === undefined) return;
    this.#recording = undefined;
    recording.add(wireBytes);
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
