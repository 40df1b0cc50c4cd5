import {
  writeCommandEncoderBeginComputePass,
  writeCommandEncoderFinish,
  writeComputePassEncoderDispatchWorkgroups,
  writeComputePassEncoderEnd,
  writeComputePassEncoderSetBindGroup,
  writeComputePassEncoderSetPipeline,
  writeComputePipelineGetBindGroupLayout,
  writeDeviceCreateBindGroup,
  writeDeviceCreateCommandEncoder,
  writeDeviceCreateComputePipeline,
  writeDeviceCreateShaderModule,
  writeQueueSubmit,
} from "#shared/wire/gen/write-commands.ts";
import type { Ref, WireGuest } from "./wire-guest.ts";

/** Submits one workgroup of a shader that has `buffer` at binding 0 of group 0. */
export function writeDispatch(guest: WireGuest, buffer: Ref<"GPUBuffer">, code: string): void {
  const { writer } = guest;
  const module = guest.make("GPUShaderModule");
  writeDeviceCreateShaderModule(writer, module, { code });
  const pipeline = guest.make("GPUComputePipeline");
  writeDeviceCreateComputePipeline(writer, pipeline, { layout: "auto", compute: { module } });
  const layout = guest.make("GPUBindGroupLayout");
  writeComputePipelineGetBindGroupLayout(writer, pipeline, layout, 0);
  const group = guest.make("GPUBindGroup");
  const entries = [{ binding: 0, resource: { buffer } }];
  writeDeviceCreateBindGroup(writer, group, { layout, entries });
  writeDeviceCreateCommandEncoder(writer, guest.make("GPUCommandEncoder"), {});
  writeCommandEncoderBeginComputePass(writer, guest.make("GPUComputePassEncoder"), {});
  writeComputePassEncoderSetPipeline(writer, pipeline);
  writeComputePassEncoderSetBindGroup(writer, 0, group, [], 0, 0);
  writeComputePassEncoderDispatchWorkgroups(writer, 1, 1, 1);
  writeComputePassEncoderEnd(writer);
  const commands = guest.make("GPUCommandBuffer");
  writeCommandEncoderFinish(writer, commands, {});
  writeQueueSubmit(writer, [commands]);
}
