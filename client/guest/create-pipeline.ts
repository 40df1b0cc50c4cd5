import type { GPURenderPipelineDescriptor as WirePipelineDescriptor } from "#shared/wire/gen/dictionaries.ts";
import type { Handle } from "#shared/wire/handles.ts";
import type { Writer } from "#shared/wire/writer.ts";
import { GPUPipelineError } from "./errors.ts";
import { requireFormat } from "./formats.ts";
import type { DeviceRecord, Records } from "./records.ts";

/** The content timeline's checks of createRenderPipeline. */
export function requirePipelineFormats(
  device: DeviceRecord,
  descriptor: WirePipelineDescriptor<Records>,
): void {
  if (descriptor.depthStencil !== undefined) requireFormat(device, descriptor.depthStencil.format);
  for (const target of descriptor.fragment?.targets ?? []) {
    if (target !== null) requireFormat(device, target.format);
  }
}

/** The handle of a pipeline that is ready, or a rejection with a GPUPipelineError. */
export async function createPipelineAsync(
  device: DeviceRecord,
  kind: number,
  write: (writer: Writer, request: number, handle: Handle) => void,
): Promise<Handle> {
  const { reply, handle } = await device.connection.requestObject(device, kind, write);
  if (reply?.kind === "rejected") {
    if (reply.reason === undefined) throw new DOMException(reply.message, reply.name);
    throw new GPUPipelineError(reply.message, { reason: reply.reason });
  }
  return handle; // On a lost device too: its pipelines do nothing.
}
