import type {
  GPUCommandBufferDescriptor as CommandBufferDescriptor,
  GPUCommandEncoderDescriptor as CommandEncoderDescriptor,
  GPUComputePassDescriptor as ComputePassDescriptor,
  GPUExtent3DDict as Extent,
  GPURenderBundleDescriptor as BundleDescriptor,
  GPURenderBundleEncoderDescriptor as BundleEncoderDescriptor,
  GPURenderPassDescriptor as RenderPassDescriptor,
  GPUTexelCopyBufferInfo as CopyBuffer,
  GPUTexelCopyTextureInfo as CopyTexture,
} from "#shared/wire/gen/dictionaries.ts";
import type { Handle } from "#shared/wire/handles.ts";
import { BoundState } from "./bound-state.ts";
import type { CurrentObjects } from "./current-objects.ts";
import { dawn, type DawnObjects as M } from "./dawn-types.ts";
import type { DeviceState } from "./device-state.ts";
import { GenericSink } from "./gen/generic-sink.ts";
import type { Objects } from "./gen/objects.ts";
import { Recording } from "./recording.ts";
import type { SessionBudget } from "./session-budget.ts";
import { WriteMappings } from "./write-mapping.ts";

/** Replays the commands of what records: encoders, passes and bundles. */
export class EncoderReplayer extends GenericSink {
  protected readonly budget: SessionBudget;
  protected readonly mappings = new WriteMappings();
  /** Dynamic offsets on their way to Dawn. */
  readonly #offsets: number[] = [];
  /** By the objects whose handles hold them: encoders, passes, command buffers, bundles. */
  readonly #recordings = new WeakMap<object, Recording>();

  constructor(objects: Objects, current: CurrentObjects, budget: SessionBudget) {
    super(objects, current);
    this.budget = budget;
  }

  deviceCreateCommandEncoder(handle: Handle, descriptor: CommandEncoderDescriptor): void {
    const { device } = this.current;
    const encoder = device.dawn.createCommandEncoder(dawn(descriptor));
    const recording = new Recording(device, this.budget.hostMemory);
    const openPasses = new Set<BoundState>();
    const state = { dawn: encoder, device, recording, openPasses, reads: undefined };
    this.#hold(state, recording);
    this.objects.commandEncoders.allocate(handle, state);
    this.current.commandEncoder = state;
  }

  commandEncoderBeginRenderPass(handle: Handle, descriptor: RenderPassDescriptor<M>): void {
    const { dawn: encoder, device, recording, openPasses } = this.current.commandEncoder;
    const bound = new BoundState();
    const pass = encoder.beginRenderPass(dawn(descriptor));
    const state = { dawn: pass, device, recording, bound, openPasses };
    this.#hold(state, recording);
    openPasses.add(bound);
    this.objects.renderPassEncoders.allocate(handle, state);
    this.current.renderPassEncoder = state;
  }

  commandEncoderBeginComputePass(handle: Handle, descriptor: ComputePassDescriptor<M>): void {
    const { dawn: encoder, device, recording, openPasses } = this.current.commandEncoder;
    const bound = new BoundState();
    const pass = encoder.beginComputePass(dawn(descriptor));
    const state = { dawn: pass, device, recording, bound, openPasses };
    this.#hold(state, recording);
    openPasses.add(bound);
    this.objects.computePassEncoders.allocate(handle, state);
    this.current.computePassEncoder = state;
  }

  commandEncoderFinish(handle: Handle, descriptor: CommandBufferDescriptor): void {
    const { dawn: encoder, recording, openPasses, reads } = this.current.commandEncoder;
    for (const bound of openPasses) bound.end();
    openPasses.clear();
    const commandBuffer = encoder.finish(dawn(descriptor));
    this.objects.commandBuffers.allocate(handle, commandBuffer);
    this.mappings.finish(commandBuffer, reads);
    this.#hold(commandBuffer, recording);
  }

  commandEncoderCopyBufferToBuffer(
    source: GPUBuffer,
    sourceOffset: number,
    destination: GPUBuffer,
    destinationOffset: number,
    size: number | undefined,
  ): void {
    this.mappings.noteRead(this.current.commandEncoder, source);
    const target = this.mappings.destination(destination);
    this.current.commandEncoder.dawn.copyBufferToBuffer(
      source,
      sourceOffset,
      target,
      destinationOffset,
      size,
    );
  }

  commandEncoderCopyBufferToTexture(
    source: CopyBuffer<M>,
    destination: CopyTexture<M>,
    copySize: Extent,
  ): void {
    this.mappings.noteRead(this.current.commandEncoder, source.buffer);
    const { dawn: encoder } = this.current.commandEncoder;
    encoder.copyBufferToTexture(dawn(source), dawn(destination), dawn(copySize));
  }

  commandEncoderCopyTextureToBuffer(
    source: CopyTexture<M>,
    destination: CopyBuffer<M>,
    copySize: Extent,
  ): void {
    const target = { ...dawn(destination), buffer: this.mappings.destination(destination.buffer) };
    const { dawn: encoder } = this.current.commandEncoder;
    encoder.copyTextureToBuffer(dawn(source), target, dawn(copySize));
  }

  commandEncoderClearBuffer(buffer: GPUBuffer, offset: number, size: number | undefined): void {
    this.current.commandEncoder.dawn.clearBuffer(this.mappings.destination(buffer), offset, size);
  }

  renderPassEncoderSetPipeline(pipeline: GPURenderPipeline): void {
    const { dawn: pass, bound } = this.current.renderPassEncoder;
    if (!bound.hasPipeline(pipeline)) pass.setPipeline(pipeline);
  }

  renderPassEncoderSetBindGroup(
    index: number,
    group: GPUBindGroup | null,
    offsets: Uint32Array,
    count: number,
  ): void {
    this.#setBindGroup(this.current.renderPassEncoder, index, group, offsets, count);
  }

  renderPassEncoderSetVertexBuffer(
    slot: number,
    buffer: GPUBuffer | null,
    offset: number,
    size: number | undefined,
  ): void {
    const { dawn: pass, bound } = this.current.renderPassEncoder;
    if (bound.hasVertexBuffer(slot, buffer, offset, size)) return;
    setVertexBuffer(pass, slot, buffer, offset, size);
  }

  renderPassEncoderSetIndexBuffer(
    buffer: GPUBuffer,
    format: GPUIndexFormat,
    offset: number,
    size: number | undefined,
  ): void {
    const { dawn: pass, bound } = this.current.renderPassEncoder;
    if (bound.hasIndexBuffer(buffer, format, offset, size)) return;
    pass.setIndexBuffer(buffer, format, offset, size);
  }

  renderPassEncoderDraw(
    vertexCount: number,
    instanceCount: number,
    firstVertex: number,
    firstInstance: number,
  ): void {
    const { dawn: encoder, device } = this.current.renderPassEncoder;
    if (this.#isTooLarge(device, vertexCount, instanceCount)) return;
    draw(encoder, vertexCount, instanceCount, firstVertex, firstInstance);
  }

  renderPassEncoderDrawIndexed(
    indexCount: number,
    instanceCount: number,
    firstIndex: number,
    baseVertex: number,
    firstInstance: number,
  ): void {
    const { dawn: encoder, device } = this.current.renderPassEncoder;
    if (this.#isTooLarge(device, indexCount, instanceCount)) return;
    drawIndexed(encoder, indexCount, instanceCount, firstIndex, baseVertex, firstInstance);
  }

  renderPassEncoderExecuteBundles(bundles: readonly GPURenderBundle[]): void {
    const { dawn: pass, bound } = this.current.renderPassEncoder;
    pass.executeBundles(bundles);
    bound.clear();
  }

  renderPassEncoderEnd(): void {
    const { dawn: pass, bound, openPasses } = this.current.renderPassEncoder;
    pass.end();
    bound.end();
    openPasses.delete(bound);
  }

  computePassEncoderSetPipeline(pipeline: GPUComputePipeline): void {
    const { dawn: pass, bound } = this.current.computePassEncoder;
    if (!bound.hasPipeline(pipeline)) pass.setPipeline(pipeline);
  }

  computePassEncoderSetBindGroup(
    index: number,
    group: GPUBindGroup | null,
    offsets: Uint32Array,
    count: number,
  ): void {
    this.#setBindGroup(this.current.computePassEncoder, index, group, offsets, count);
  }

  computePassEncoderDispatchWorkgroups(x: number, y: number, z: number): void {
    const { dawn: pass, device } = this.current.computePassEncoder;
    const { maxDispatchWorkgroups } = this.budget.bounds;
    if (x * y * z > maxDispatchWorkgroups) {
      device.lose(
        `A dispatch of ${x} by ${y} by ${z} workgroups is over this session's limit (${maxDispatchWorkgroups}).`,
      );
      return;
    }
    pass.dispatchWorkgroups(x, y, z);
  }

  computePassEncoderEnd(): void {
    const { dawn: pass, bound, openPasses } = this.current.computePassEncoder;
    pass.end();
    bound.end();
    openPasses.delete(bound);
  }

  deviceCreateRenderBundleEncoder(handle: Handle, descriptor: BundleEncoderDescriptor): void {
    const { device } = this.current;
    const encoder = device.dawn.createRenderBundleEncoder(dawn(descriptor));
    const recording = new Recording(device, this.budget.hostMemory);
    const state = { dawn: encoder, device, recording, bound: new BoundState() };
    this.#hold(state, recording);
    this.objects.renderBundleEncoders.allocate(handle, state);
    this.current.renderBundleEncoder = state;
  }

  renderBundleEncoderSetPipeline(pipeline: GPURenderPipeline): void {
    const { dawn: encoder, bound } = this.current.renderBundleEncoder;
    if (!bound.hasPipeline(pipeline)) encoder.setPipeline(pipeline);
  }

  renderBundleEncoderSetBindGroup(
    index: number,
    group: GPUBindGroup | null,
    offsets: Uint32Array,
    count: number,
  ): void {
    this.#setBindGroup(this.current.renderBundleEncoder, index, group, offsets, count);
  }

  renderBundleEncoderSetVertexBuffer(
    slot: number,
    buffer: GPUBuffer | null,
    offset: number,
    size: number | undefined,
  ): void {
    const { dawn: encoder, bound } = this.current.renderBundleEncoder;
    if (bound.hasVertexBuffer(slot, buffer, offset, size)) return;
    setVertexBuffer(encoder, slot, buffer, offset, size);
  }

  renderBundleEncoderSetIndexBuffer(
    buffer: GPUBuffer,
    format: GPUIndexFormat,
    offset: number,
    size: number | undefined,
  ): void {
    const { dawn: encoder, bound } = this.current.renderBundleEncoder;
    if (bound.hasIndexBuffer(buffer, format, offset, size)) return;
    encoder.setIndexBuffer(buffer, format, offset, size);
  }

  renderBundleEncoderDraw(
    vertexCount: number,
    instanceCount: number,
    firstVertex: number,
    firstInstance: number,
  ): void {
    const { dawn: encoder, device } = this.current.renderBundleEncoder;
    if (this.#isTooLarge(device, vertexCount, instanceCount)) return;
    draw(encoder, vertexCount, instanceCount, firstVertex, firstInstance);
  }

  renderBundleEncoderDrawIndexed(
    indexCount: number,
    instanceCount: number,
    firstIndex: number,
    baseVertex: number,
    firstInstance: number,
  ): void {
    const { dawn: encoder, device } = this.current.renderBundleEncoder;
    if (this.#isTooLarge(device, indexCount, instanceCount)) return;
    drawIndexed(encoder, indexCount, instanceCount, firstIndex, baseVertex, firstInstance);
  }

  renderBundleEncoderFinish(handle: Handle, descriptor: BundleDescriptor): void {
    const { dawn: encoder, recording, bound } = this.current.renderBundleEncoder;
    bound.end();
    const bundle = encoder.finish(dawn(descriptor));
    this.objects.renderBundles.allocate(handle, bundle);
    this.#hold(bundle, recording);
  }

  /** The handle of an encoder, pass, command buffer or bundle was released. */
  protected dropRecording(object: object): void {
    this.#recordings.get(object)?.drop();
  }

  /** The command buffer was submitted, and Dawn keeps its commands no longer. */
  protected endRecording(commandBuffer: GPUCommandBuffer): void {
    this.#recordings.get(commandBuffer)?.release();
  }

  #hold(object: object, recording: Recording): void {
    recording.hold();
    this.#recordings.set(object, recording);
  }

  /** Loses the device where a draw is over the session's limit. */
  #isTooLarge(device: DeviceState, vertices: number, instances: number): boolean {
    const { maxDrawVertices } = this.budget.bounds;
    if (vertices * instances <= maxDrawVertices) return false;
    device.lose(
      `A draw of ${vertices} vertices in ${instances} instances is over this session's limit (${maxDrawVertices}).`,
    );
    return true;
  }

  #setBindGroup(
    { dawn: pass, bound }: { readonly dawn: GPUBindingCommandsMixin; readonly bound: BoundState },
    index: number,
    group: GPUBindGroup | null,
    offsets: Uint32Array,
    count: number,
  ): void {
    if (count === 0) {
      if (!bound.hasBindGroup(index, group)) pass.setBindGroup(index, group);
      return;
    }
    bound.forgetBindGroup(index);
    // A range of a Uint32Array takes Dawn a third longer than a list. V8 leaves the fast path to set a length, even to
    // what it is.
    const list = this.#offsets;
    if (list.length !== count) list.length = count;
    for (let at = 0; at < count; at++) list[at] = offsets[at]!;
    pass.setBindGroup(index, group, list);
  }
}

// Dawn's binding takes 30 to 50 ns for each argument, so those that only repeat the default stay away: of
// the four commands of a draw, 230 of 2,400 ns.

function setVertexBuffer(
  encoder: GPURenderCommandsMixin,
  slot: number,
  buffer: GPUBuffer | null,
  offset: number,
  size: number | undefined,
): void {
  if (offset === 0 && size === undefined) encoder.setVertexBuffer(slot, buffer);
  else encoder.setVertexBuffer(slot, buffer, offset, size);
}

function draw(
  encoder: GPURenderCommandsMixin,
  vertexCount: number,
  instanceCount: number,
  firstVertex: number,
  firstInstance: number,
): void {
  if (firstVertex !== 0 || firstInstance !== 0) {
    encoder.draw(vertexCount, instanceCount, firstVertex, firstInstance);
  } else if (instanceCount !== 1) {
    encoder.draw(vertexCount, instanceCount);
  } else {
    encoder.draw(vertexCount);
  }
}

function drawIndexed(
  encoder: GPURenderCommandsMixin,
  indexCount: number,
  instanceCount: number,
  firstIndex: number,
  baseVertex: number,
  firstInstance: number,
): void {
  if (baseVertex !== 0 || firstInstance !== 0) {
    encoder.drawIndexed(indexCount, instanceCount, firstIndex, baseVertex, firstInstance);
  } else if (firstIndex !== 0) {
    encoder.drawIndexed(indexCount, instanceCount, firstIndex);
  } else if (instanceCount !== 1) {
    encoder.drawIndexed(indexCount, instanceCount);
  } else {
    encoder.drawIndexed(indexCount);
  }
}
