import { expect, test } from "vitest";
import { create } from "webgpu";
import {
  writeBufferMapAsync,
  writeBufferUnmap,
  writeCommandEncoderBeginComputePass,
  writeCommandEncoderCopyBufferToBuffer,
  writeCommandEncoderFinish,
  writeComputePassEncoderDispatchWorkgroups,
  writeComputePassEncoderEnd,
  writeComputePassEncoderSetBindGroup,
  writeComputePassEncoderSetPipeline,
  writeComputePipelineGetBindGroupLayout,
  writeDeviceCreateBindGroup,
  writeDeviceCreateBuffer,
  writeDeviceCreateCommandEncoder,
  writeDeviceCreateComputePipeline,
  writeDeviceCreateShaderModule,
  writeQueueSubmit,
  writeQueueWriteBuffer,
} from "#shared/wire/gen/write-commands.ts";
import type { Writer } from "#shared/wire/writer.ts";
import { GuestStream, type Ref } from "./guest-stream.ts";

const gpu = create([]);

const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const STORAGE = 128;

const SHADER = `
@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&values)) { values[id.x] = sin(values[id.x]) * 3.5 + f32(id.x); }
}`;

function input(count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, index) => index * 0.37 - 11);
}

/** The numbers that Dawn computes when it is called directly. */
async function direct(values: Float32Array<ArrayBuffer>): Promise<number[]> {
  const adapter = await gpu.requestAdapter();
  const device = await adapter!.requestDevice();
  const size = values.byteLength;
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  device.queue.writeBuffer(buffer, 0, values);
  const module = device.createShaderModule({ code: SHADER });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const layout = pipeline.getBindGroupLayout(0);
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
  const result = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(values.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, result, 0, size);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(MAP_READ);
  const numbers = [...new Float32Array(result.getMappedRange().slice(0))];
  device.destroy();
  return numbers;
}

/** Records the same program; returns the buffer that holds the result. */
function record(
  stream: GuestStream,
  size: number,
  fill: (writer: Writer, buffer: Ref<"GPUBuffer">) => void,
): Ref<"GPUBuffer"> {
  const { writer } = stream;
  const buffer = stream.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, buffer, { size, usage: STORAGE | COPY_SRC | COPY_DST });
  fill(writer, buffer);
  const module = stream.make("GPUShaderModule");
  writeDeviceCreateShaderModule(writer, module, { code: SHADER });
  const pipeline = stream.make("GPUComputePipeline");
  writeDeviceCreateComputePipeline(writer, pipeline, { layout: "auto", compute: { module } });
  const layout = stream.make("GPUBindGroupLayout");
  writeComputePipelineGetBindGroupLayout(writer, pipeline, layout, 0);
  const group = stream.make("GPUBindGroup");
  const entries = [{ binding: 0, resource: { buffer } }];
  writeDeviceCreateBindGroup(writer, group, { layout, entries });
  const result = stream.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, result, { size, usage: MAP_READ | COPY_DST });
  writeDeviceCreateCommandEncoder(writer, stream.make("GPUCommandEncoder"), {});
  writeCommandEncoderBeginComputePass(writer, stream.make("GPUComputePassEncoder"), {});
  writeComputePassEncoderSetPipeline(writer, pipeline);
  writeComputePassEncoderSetBindGroup(writer, 0, group, [], 0, 0);
  writeComputePassEncoderDispatchWorkgroups(writer, Math.ceil(size / 256), 1, 1);
  writeComputePassEncoderEnd(writer);
  writeCommandEncoderCopyBufferToBuffer(writer, buffer, 0, result, 0, size);
  const commands = stream.make("GPUCommandBuffer");
  writeCommandEncoderFinish(writer, commands, {});
  writeQueueSubmit(writer, [commands]);
  return result;
}

async function read(stream: GuestStream, buffer: Ref<"GPUBuffer">): Promise<number[]> {
  const reply = await stream.ask((request) =>
    writeBufferMapAsync(stream.writer, request, buffer, MAP_READ, 0),
  );
  if (reply.kind !== "mapped") throw new Error(`Mapping fails: ${JSON.stringify(reply)}`);
  writeBufferUnmap(stream.writer, buffer, [], new Uint8Array());
  await stream.send();
  return [...new Float32Array(reply.data.slice().buffer)];
}

test("a compute program that was recorded gets the numbers that Dawn gives directly", async () => {
  const values = input(1000);
  using stream = new GuestStream(gpu);
  await stream.device();
  const result = record(stream, values.byteLength, (writer, buffer) =>
    writeQueueWriteBuffer(writer, buffer, 0, new Uint8Array(values.buffer)),
  );
  const numbers = await read(stream, result);
  expect(numbers).toEqual(await direct(values));
  expect(numbers[3]).not.toBe(0);
});

test("megabytes travel as staged payloads both ways", async () => {
  const values = input(700_001);
  const bytes = new Uint8Array(values.buffer);
  using stream = new GuestStream(gpu);
  await stream.device();
  const result = record(stream, values.byteLength, (writer, buffer) => {
    stream.stage(bytes);
    writeQueueWriteBuffer(writer, buffer, 0, { stagedLength: bytes.length });
  });
  expect(await read(stream, result)).toEqual(await direct(values));
});

test("a buffer can be mapped again after it was unmapped, and in part", async () => {
  const values = input(64);
  using stream = new GuestStream(gpu);
  await stream.device();
  const result = record(stream, values.byteLength, (writer, buffer) =>
    writeQueueWriteBuffer(writer, buffer, 0, new Uint8Array(values.buffer)),
  );
  const whole = await read(stream, result);
  const reply = await stream.ask((request) =>
    writeBufferMapAsync(stream.writer, request, result, MAP_READ, 32, 16),
  );
  if (reply.kind !== "mapped") throw new Error("Mapping a part fails.");
  expect([...new Float32Array(reply.data.slice().buffer)]).toEqual(whole.slice(8, 12));
});
