import {
  writeQueueOnSubmittedWorkDone,
  writeQueueSubmit,
  writeQueueWriteBuffer,
  writeQueueWriteTexture,
} from "#shared/wire/gen/write-commands.ts";
import { MAX_PAYLOAD_BYTES } from "#shared/wire/limits.ts";
import { cutBytes } from "./bytes.ts";
import { copyExternalImage } from "./external-image.ts";
import {
  toGPUExtent3D,
  toGPUTexelCopyBufferLayout,
  toGPUTexelCopyTextureInfo,
} from "./gen/dictionaries.ts";
import { GPUBufferSlot, GPUCommandBufferSlot, GPUQueueSlot } from "./gen/slots.ts";
import { defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import { revive } from "./revive.ts";
import { trimTexels } from "./texels.ts";
import {
  illegalConstructor,
  requireArguments,
  toBytes,
  toSequence,
  toUint64,
  toUSVString,
} from "./webidl.ts";

export class GPUQueue implements globalThis.GPUQueue {
  declare readonly __brand: "GPUQueue";

  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    return GPUQueueSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUQueueSlot.of(this), toUSVString(value));
  }

  submit(commandBuffers: Iterable<globalThis.GPUCommandBuffer>): undefined {
    const { device, stream } = GPUQueueSlot.of(this);
    requireArguments(arguments.length, 1, "GPUQueue.submit");
    const records = toSequence(
      commandBuffers,
      (item) => GPUCommandBufferSlot.of(item),
      "GPUQueue.submit: commandBuffers",
    );
    for (const record of records) if (record.id === 0) revive(record);
    stream.useDevice(device);
    stream.record((writer) => writeQueueSubmit(writer, records));
    // A command buffer can be submitted once, and is used up even where that fails.
    for (const record of records) {
      stream.retire(record);
      record.held = undefined;
    }
    stream.flush();
    stream.onSubmit();
  }

  async onSubmittedWorkDone(): Promise<undefined> {
    const { device } = GPUQueueSlot.of(this);
    await device.connection.request(device, writeQueueOnSubmittedWorkDone);
  }

  writeBuffer(
    buffer: globalThis.GPUBuffer,
    bufferOffset: number,
    data: GPUAllowSharedBufferSource,
    dataOffset: number = 0,
    size: number | undefined = undefined,
  ): undefined {
    const { device, stream } = GPUQueueSlot.of(this);
    const what = "GPUQueue.writeBuffer";
    requireArguments(arguments.length, 3, what);
    const record = GPUBufferSlot.of(buffer);
    const offset = toUint64(bufferOffset, `${what}: bufferOffset`);
    const bytes = cutBytes(data, dataOffset, size, what);
    stream.useDevice(device);
    // At least one command, for what the worker has to say about it.
    for (let at = 0; at === 0 || at < bytes.length; at += MAX_PAYLOAD_BYTES) {
      stream.recordData(bytes.subarray(at, at + MAX_PAYLOAD_BYTES), (writer, content) =>
        writeQueueWriteBuffer(writer, record, offset + at, content),
      );
    }
  }

  writeTexture(
    destination: GPUTexelCopyTextureInfo,
    data: GPUAllowSharedBufferSource,
    dataLayout: GPUTexelCopyBufferLayout,
    size: GPUExtent3D | Iterable<number>,
  ): undefined {
    const { device, stream } = GPUQueueSlot.of(this);
    requireArguments(arguments.length, 4, "GPUQueue.writeTexture");
    const to = toGPUTexelCopyTextureInfo(destination, []);
    const { bytes } = toBytes(data, "GPUQueue.writeTexture: data");
    const layout = toGPUTexelCopyBufferLayout(dataLayout);
    const extent = toGPUExtent3D(size);
    const texels = trimTexels(to.texture.shape.format, bytes, layout, extent);
    stream.useDevice(device);
    stream.recordData(texels.bytes, (writer, content) =>
      writeQueueWriteTexture(writer, to, content, texels.layout, extent),
    );
  }

  copyExternalImageToTexture(
    source: GPUCopyExternalImageSourceInfo,
    destination: GPUCopyExternalImageDestInfo,
    copySize: GPUExtent3D | Iterable<number>,
  ): undefined {
    const queue = GPUQueueSlot.of(this);
    requireArguments(arguments.length, 3, "GPUQueue.copyExternalImageToTexture");
    copyExternalImage(queue, source, destination, copySize);
  }

  static {
    defineInterface(this);
  }
}
