import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import {
  writeCommandEncoderBeginComputePass,
  writeCommandEncoderBeginRenderPass,
  writeCommandEncoderClearBuffer,
  writeCommandEncoderCopyBufferToBuffer,
  writeCommandEncoderCopyBufferToTexture,
  writeCommandEncoderCopyTextureToBuffer,
  writeCommandEncoderCopyTextureToTexture,
  writeCommandEncoderFinish,
  writeCommandEncoderInsertDebugMarker,
  writeCommandEncoderPopDebugGroup,
  writeCommandEncoderPushDebugGroup,
  writeCommandEncoderResolveQuerySet,
} from "#shared/wire/gen/write-commands.ts";
import { GPUComputePassEncoder } from "./gen/compute-pass-encoder.ts";
import {
  toGPUCommandBufferDescriptor,
  toGPUComputePassDescriptor,
  toGPUExtent3D,
  toGPURenderPassDescriptor,
  toGPUTexelCopyBufferInfo,
  toGPUTexelCopyTextureInfo,
} from "./gen/dictionaries.ts";
import { GPUCommandBuffer } from "./gen/plain-objects.ts";
import { GPURenderPassEncoder } from "./gen/render-pass-encoder.ts";
import {
  GPUBufferSlot,
  GPUCommandBufferSlot,
  GPUCommandEncoderSlot,
  GPUComputePassEncoderSlot,
  GPUQuerySetSlot,
  GPURenderPassEncoderSlot,
} from "./gen/slots.ts";
import { defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import { DeviceObject, EncoderRecord, hold, type BufferRecord, type Records } from "./records.ts";
import { illegalConstructor, requireArguments, toUint32, toUint64, toUSVString } from "./webidl.ts";
import { wrapTracked } from "./wrap.ts";

type CommandEncoderRecord = Records["GPUCommandEncoder"];

export class GPUCommandEncoder implements globalThis.GPUCommandEncoder {
  declare readonly __brand: "GPUCommandEncoder";

  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    return GPUCommandEncoderSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUCommandEncoderSlot.of(this), toUSVString(value));
  }

  beginRenderPass(descriptor: GPURenderPassDescriptor): GPURenderPassEncoder {
    const encoder = GPUCommandEncoderSlot.of(this);
    requireArguments(arguments.length, 1, "GPUCommandEncoder.beginRenderPass");
    const { stream, device, holder } = encoder;
    const typed = toGPURenderPassDescriptor(descriptor, holder.held);
    stream.useCommandEncoder(encoder);
    const kind = ObjectKind.GPURenderPassEncoder;
    const handle = stream.create(kind, (writer, made) =>
      writeCommandEncoderBeginRenderPass(writer, made, typed),
    );
    const pass = new EncoderRecord(device, kind, handle, typed.label ?? "", holder);
    stream.renderPassEncoder = pass;
    encoder.passes.push(pass);
    return wrapTracked(GPURenderPassEncoder.prototype, GPURenderPassEncoderSlot, pass);
  }

  beginComputePass(
    descriptor: GPUComputePassDescriptor | undefined = undefined,
  ): GPUComputePassEncoder {
    const encoder = GPUCommandEncoderSlot.of(this);
    const { stream, device, holder } = encoder;
    const typed = toGPUComputePassDescriptor(descriptor, holder.held);
    stream.useCommandEncoder(encoder);
    const kind = ObjectKind.GPUComputePassEncoder;
    const handle = stream.create(kind, (writer, made) =>
      writeCommandEncoderBeginComputePass(writer, made, typed),
    );
    const pass = new EncoderRecord(device, kind, handle, typed.label ?? "", holder);
    stream.computePassEncoder = pass;
    encoder.passes.push(pass);
    return wrapTracked(GPUComputePassEncoder.prototype, GPUComputePassEncoderSlot, pass);
  }

  /** (source, destination, size?), or each buffer followed by its offset. */
  copyBufferToBuffer(
    source: globalThis.GPUBuffer,
    second: number | globalThis.GPUBuffer,
    third: globalThis.GPUBuffer | number | undefined = undefined,
    destinationOffset: number | undefined = undefined,
    size: number | undefined = undefined,
  ): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    const what = "GPUCommandEncoder.copyBufferToBuffer";
    requireArguments(arguments.length, 2, what);
    const from = GPUBufferSlot.of(source);
    const isShort = arguments.length < 4;
    const fromOffset = isShort ? 0 : toUint64(second, `${what}: sourceOffset`);
    const to = GPUBufferSlot.of(isShort ? second : third);
    const toOffset = isShort ? 0 : toUint64(destinationOffset, `${what}: destinationOffset`);
    const bytes = isShort ? third : size;
    const typedSize = bytes === undefined ? undefined : toUint64(bytes, `${what}: size`);
    holdBuffer(encoder, from);
    holdBuffer(encoder, to);
    encoder.stream.useCommandEncoder(encoder);
    writeCommandEncoderCopyBufferToBuffer(
      encoder.stream.writer,
      from,
      fromOffset,
      to,
      toOffset,
      typedSize,
    );
    encoder.stream.recorded();
  }

  copyBufferToTexture(
    source: GPUTexelCopyBufferInfo,
    destination: GPUTexelCopyTextureInfo,
    copySize: GPUExtent3D | Iterable<number>,
  ): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    requireArguments(arguments.length, 3, "GPUCommandEncoder.copyBufferToTexture");
    const { stream, holder } = encoder;
    const from = toGPUTexelCopyBufferInfo(source, holder.held);
    const to = toGPUTexelCopyTextureInfo(destination, holder.held);
    const size = toGPUExtent3D(copySize);
    stream.useCommandEncoder(encoder);
    writeCommandEncoderCopyBufferToTexture(stream.writer, from, to, size);
    stream.recorded();
  }

  copyTextureToBuffer(
    source: GPUTexelCopyTextureInfo,
    destination: GPUTexelCopyBufferInfo,
    copySize: GPUExtent3D | Iterable<number>,
  ): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    requireArguments(arguments.length, 3, "GPUCommandEncoder.copyTextureToBuffer");
    const { stream, holder } = encoder;
    const from = toGPUTexelCopyTextureInfo(source, holder.held);
    const to = toGPUTexelCopyBufferInfo(destination, holder.held);
    const size = toGPUExtent3D(copySize);
    stream.useCommandEncoder(encoder);
    writeCommandEncoderCopyTextureToBuffer(stream.writer, from, to, size);
    stream.recorded();
  }

  copyTextureToTexture(
    source: GPUTexelCopyTextureInfo,
    destination: GPUTexelCopyTextureInfo,
    copySize: GPUExtent3D | Iterable<number>,
  ): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    requireArguments(arguments.length, 3, "GPUCommandEncoder.copyTextureToTexture");
    const { stream, holder } = encoder;
    const from = toGPUTexelCopyTextureInfo(source, holder.held);
    const to = toGPUTexelCopyTextureInfo(destination, holder.held);
    const size = toGPUExtent3D(copySize);
    stream.useCommandEncoder(encoder);
    writeCommandEncoderCopyTextureToTexture(stream.writer, from, to, size);
    stream.recorded();
  }

  clearBuffer(
    buffer: globalThis.GPUBuffer,
    offset: number = 0,
    size: number | undefined = undefined,
  ): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    const what = "GPUCommandEncoder.clearBuffer";
    requireArguments(arguments.length, 1, what);
    const record = GPUBufferSlot.of(buffer);
    const typedOffset = toUint64(offset, `${what}: offset`);
    const typedSize = size === undefined ? undefined : toUint64(size, `${what}: size`);
    holdBuffer(encoder, record);
    encoder.stream.useCommandEncoder(encoder);
    writeCommandEncoderClearBuffer(encoder.stream.writer, record, typedOffset, typedSize);
    encoder.stream.recorded();
  }

  resolveQuerySet(
    querySet: globalThis.GPUQuerySet,
    firstQuery: number,
    queryCount: number,
    destination: globalThis.GPUBuffer,
    destinationOffset: number,
  ): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    const what = "GPUCommandEncoder.resolveQuerySet";
    requireArguments(arguments.length, 5, what);
    const { stream, holder } = encoder;
    const queries = hold(GPUQuerySetSlot.of(querySet), holder.held);
    const first = toUint32(firstQuery, `${what}: firstQuery`);
    const count = toUint32(queryCount, `${what}: queryCount`);
    const to = hold(GPUBufferSlot.of(destination), holder.held);
    const offset = toUint64(destinationOffset, `${what}: destinationOffset`);
    stream.useCommandEncoder(encoder);
    writeCommandEncoderResolveQuerySet(stream.writer, queries, first, count, to, offset);
    stream.recorded();
  }

  pushDebugGroup(groupLabel: string): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    requireArguments(arguments.length, 1, "GPUCommandEncoder.pushDebugGroup");
    const label = toUSVString(groupLabel);
    encoder.stream.useCommandEncoder(encoder);
    encoder.stream.record((writer) => writeCommandEncoderPushDebugGroup(writer, label));
  }

  popDebugGroup(): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    encoder.stream.useCommandEncoder(encoder);
    writeCommandEncoderPopDebugGroup(encoder.stream.writer);
    encoder.stream.recorded();
  }

  insertDebugMarker(markerLabel: string): undefined {
    const encoder = GPUCommandEncoderSlot.of(this);
    requireArguments(arguments.length, 1, "GPUCommandEncoder.insertDebugMarker");
    const label = toUSVString(markerLabel);
    encoder.stream.useCommandEncoder(encoder);
    encoder.stream.record((writer) => writeCommandEncoderInsertDebugMarker(writer, label));
  }

  finish(
    descriptor: GPUCommandBufferDescriptor | undefined = undefined,
  ): globalThis.GPUCommandBuffer {
    const encoder = GPUCommandEncoderSlot.of(this);
    const { stream, device, holder } = encoder;
    const typed = toGPUCommandBufferDescriptor(descriptor);
    stream.useCommandEncoder(encoder);
    const kind = ObjectKind.GPUCommandBuffer;
    const handle = stream.create(kind, (writer, made) =>
      writeCommandEncoderFinish(writer, made, typed),
    );
    for (const pass of encoder.passes) stream.retire(pass);
    encoder.passes.length = 0;
    stream.retire(encoder);
    const record = new DeviceObject(device, kind, handle, typed.label ?? "", holder.take());
    return wrapTracked(GPUCommandBuffer.prototype, GPUCommandBufferSlot, record);
  }

  static {
    defineInterface(this);
  }
}

function holdBuffer({ holder }: CommandEncoderRecord, buffer: BufferRecord): void {
  if (buffer.heldBy !== holder.serial) holder.hold(buffer);
}
