import { GPUTextureUsage } from "./flags.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import {
  writeCommandEncoderBeginComputePass,
  writeCommandEncoderBeginRenderPass,
  writeCommandEncoderFinish,
  writeComputePassEncoderEnd,
  writeDeviceCreateCommandEncoder,
  writeDeviceCreateTexture,
  writeQueueSubmit,
  writeDeviceCreateRenderBundleEncoder,
  writeRenderBundleEncoderFinish,
  writeRenderPassEncoderEnd,
  writeTextureCreateView,
} from "#shared/wire/gen/write-commands.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { PassRecord, Records, WireObject } from "./records.ts";

type Used =
  | Records["GPUCommandEncoder"]
  | Records["GPURenderBundleEncoder"]
  | Records["GPUCommandBuffer"]
  | PassRecord;

/**
 * Brings a retired object back to be misused. Encoders, passes and command buffers are released as
 * soon as they are used up, since every frame makes some. A program that calls one after that gets a
 * validation error: the worker raises it, given an object of the same kind in the same state.
 */
export function revive(record: Used): void {
  const { stream, device } = record;
  stream.useDevice(device);
  if (record.kind === ObjectKind.GPURenderBundleEncoder) {
    adopt(record, finishedBundleEncoder(record));
    return;
  }
  const encoder = stream.create(ObjectKind.GPUCommandEncoder, (writer, handle) =>
    writeDeviceCreateCommandEncoder(writer, handle, { label: record.label }),
  );
  // Creating made it current, and it is nobody's record.
  stream.commandEncoder = undefined;
  const finish = (): Handle =>
    stream.create(ObjectKind.GPUCommandBuffer, (writer, handle) =>
      writeCommandEncoderFinish(writer, handle, { label: record.label }),
    );
  switch (record.kind) {
    case ObjectKind.GPUCommandEncoder:
      stream.releaseHandle(ObjectKind.GPUCommandBuffer, finish());
      adopt(record, encoder);
      return;
    case ObjectKind.GPUCommandBuffer: {
      adopt(record, finish());
      const { id } = record;
      stream.record((writer) => writeQueueSubmit(writer, [{ kind: record.kind, id }]));
      break;
    }
    case ObjectKind.GPUComputePassEncoder:
      adopt(
        record,
        stream.create(record.kind, (writer, handle) =>
          writeCommandEncoderBeginComputePass(writer, handle, { label: record.label }),
        ),
      );
      stream.computePassEncoder = undefined;
      stream.record(writeComputePassEncoderEnd);
      stream.releaseHandle(ObjectKind.GPUCommandBuffer, finish());
      break;
    case ObjectKind.GPURenderPassEncoder:
      adopt(record, endedRenderPass(record));
      stream.releaseHandle(ObjectKind.GPUCommandBuffer, finish());
      break;
  }
  stream.releaseHandle(ObjectKind.GPUCommandEncoder, encoder);
}

function finishedBundleEncoder(record: Records["GPURenderBundleEncoder"]): Handle {
  const { stream, label } = record;
  const encoder = stream.create(record.kind, (writer, handle) =>
    writeDeviceCreateRenderBundleEncoder(writer, handle, { label, colorFormats: ["rgba8unorm"] }),
  );
  stream.renderBundleEncoder = undefined;
  const bundle = stream.create(ObjectKind.GPURenderBundle, (writer, handle) =>
    writeRenderBundleEncoderFinish(writer, handle, {}),
  );
  stream.releaseHandle(ObjectKind.GPURenderBundle, bundle);
  return encoder;
}

function endedRenderPass(record: Records["GPURenderPassEncoder"]): Handle {
  const { stream } = record;
  const texture = stream.create(ObjectKind.GPUTexture, (writer, handle) =>
    writeDeviceCreateTexture(writer, handle, {
      format: "rgba8unorm",
      size: { width: 1 },
      usage: GPUTextureUsage.RENDER_ATTACHMENT,
    }),
  );
  const view = stream.create(ObjectKind.GPUTextureView, (writer, handle) =>
    writeTextureCreateView(writer, { kind: ObjectKind.GPUTexture, id: texture.id }, handle),
  );
  const pass = stream.create(record.kind, (writer, handle) =>
    writeCommandEncoderBeginRenderPass(writer, handle, {
      label: record.label,
      colorAttachments: [
        {
          view: { kind: ObjectKind.GPUTextureView, id: view.id },
          loadOp: "clear",
          storeOp: "discard",
        },
      ],
    }),
  );
  stream.renderPassEncoder = undefined;
  stream.record(writeRenderPassEncoderEnd);
  stream.releaseHandle(ObjectKind.GPUTextureView, view);
  stream.releaseHandle(ObjectKind.GPUTexture, texture);
  return pass;
}

function adopt(record: WireObject, handle: Handle): void {
  record.id = handle.id;
  record.generation = handle.generation;
  record.stream.track(record);
}
