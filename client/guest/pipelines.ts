import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import {
  writeComputePipelineGetBindGroupLayout,
  writeRenderPipelineGetBindGroupLayout,
} from "#shared/wire/gen/write-commands.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { Writer } from "#shared/wire/writer.ts";
import { GPUBindGroupLayout } from "./gen/plain-objects.ts";
import {
  GPUBindGroupLayoutSlot,
  GPUComputePipelineSlot,
  GPURenderPipelineSlot,
} from "./gen/slots.ts";
import { defineInterface } from "./interface.ts";
import { relabel } from "./label.ts";
import { DeviceObject } from "./records.ts";
import { illegalConstructor, requireArguments, toUint32Modulo, toUSVString } from "./webidl.ts";
import { wrapTracked } from "./wrap.ts";

export class GPUComputePipeline implements globalThis.GPUComputePipeline {
  declare readonly __brand: "GPUComputePipeline";

  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    return GPUComputePipelineSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPUComputePipelineSlot.of(this), toUSVString(value));
  }

  getBindGroupLayout(index: number): globalThis.GPUBindGroupLayout {
    const pipeline = GPUComputePipelineSlot.of(this);
    requireArguments(arguments.length, 1, "GPUComputePipeline.getBindGroupLayout");
    const group = toUint32Modulo(index);
    return createLayout(pipeline, (writer, handle) =>
      writeComputePipelineGetBindGroupLayout(writer, pipeline, handle, group),
    );
  }

  static {
    defineInterface(this);
  }
}

export class GPURenderPipeline implements globalThis.GPURenderPipeline {
  declare readonly __brand: "GPURenderPipeline";

  constructor() {
    throw illegalConstructor();
  }

  get label(): string {
    return GPURenderPipelineSlot.of(this).label;
  }

  set label(value: string) {
    relabel(GPURenderPipelineSlot.of(this), toUSVString(value));
  }

  getBindGroupLayout(index: number): globalThis.GPUBindGroupLayout {
    const pipeline = GPURenderPipelineSlot.of(this);
    requireArguments(arguments.length, 1, "GPURenderPipeline.getBindGroupLayout");
    const group = toUint32Modulo(index);
    return createLayout(pipeline, (writer, handle) =>
      writeRenderPipelineGetBindGroupLayout(writer, pipeline, handle, group),
    );
  }

  static {
    defineInterface(this);
  }
}

function createLayout(
  pipeline: DeviceObject,
  write: (writer: Writer, handle: Handle) => void,
): globalThis.GPUBindGroupLayout {
  const kind = ObjectKind.GPUBindGroupLayout;
  const handle = pipeline.stream.create(kind, write);
  const record = new DeviceObject(pipeline.device, kind, handle, "");
  return wrapTracked(GPUBindGroupLayout.prototype, GPUBindGroupLayoutSlot, record);
}
