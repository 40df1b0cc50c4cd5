import { assert, asyncProperty, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { create } from "webgpu";
import { ProtocolError } from "#shared/wire/errors.ts";
import { MAX_PENDING_REQUESTS, MAX_STAGED_COMMANDS_BYTES } from "#shared/wire/limits.ts";
import {
  writeBufferDestroy,
  writeBufferUnmap,
  writeComputePipelineGetBindGroupLayout,
  writeDeviceCreateBuffer,
  writeDeviceCreateCommandEncoder,
  writeDeviceCreateComputePipelineAsync,
  writeDeviceCreateQuerySet,
  writeDeviceCreateShaderModule,
  writeDeviceCreateTexture,
  writeDevicePushErrorScope,
  writeQueueOnSubmittedWorkDone,
  writeQueueSubmit,
  writeQueueWriteBuffer,
  writeRelease,
  writeRenderPassEncoderDraw,
  writeSetLabel,
  writeSurfaceConfigure,
  writeSurfaceCreate,
  writeTextureCreateView,
  writeUseDevice,
} from "#shared/wire/gen/write-commands.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { GuestStream } from "./guest-stream.ts";

const gpu = create([]);

const MAP_WRITE = 2;
const COPY_DST = 8;

async function withDevice(): Promise<GuestStream> {
  const stream = new GuestStream(gpu);
  await stream.device();
  return stream;
}

describe("a ProtocolError ends the stream for", () => {
  test.for<{ readonly what: string; readonly write: (stream: GuestStream) => void; says: string }>([
    {
      what: "a reference to an object that was never made",
      write: ({ writer }) => writeBufferDestroy(writer, { kind: ObjectKind.GPUBuffer, id: 9 }),
      says: "GPUBuffer id (9) names no object.",
    },
    {
      what: "a null reference where none may be",
      write: ({ writer }) => writeBufferDestroy(writer, { kind: ObjectKind.GPUBuffer, id: 0 }),
      says: "GPUBuffer id (0) names no object.",
    },
    {
      what: "an object released twice",
      write: (stream) => {
        const buffer = stream.make("GPUBuffer");
        writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: COPY_DST });
        writeRelease(stream.writer, buffer.kind, buffer);
        writeRelease(stream.writer, buffer.kind, buffer);
      },
      says: "names no object to release",
    },
    {
      what: "an object released under another generation",
      write: (stream) => {
        const buffer = stream.make("GPUBuffer");
        writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: COPY_DST });
        writeRelease(stream.writer, buffer.kind, { ...buffer, generation: buffer.generation + 1 });
      },
      says: "is released.",
    },
    {
      what: "a handle made twice",
      write: (stream) => {
        const buffer = stream.make("GPUBuffer");
        for (let twice = 0; twice < 2; twice++) {
          writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: COPY_DST });
        }
      },
      says: "is in use",
    },
    {
      what: "a handle that leaves a gap",
      write: ({ writer }) =>
        writeDeviceCreateBuffer(writer, { id: 4, generation: 1 }, { size: 4, usage: COPY_DST }),
      says: "GPUBuffer id (4) is outside 1..1.",
    },
    {
      what: "a command to the current pass where there is none",
      write: ({ writer }) => writeRenderPassEncoderDraw(writer, 3, 1, 0, 0),
      says: "the current GPURenderPassEncoder, and there is none",
    },
    {
      what: "a command to a current object that was released",
      write: (stream) => {
        const device = { kind: ObjectKind.GPUDevice, id: 1, generation: 2 } as const;
        writeUseDevice(stream.writer, device);
        writeRelease(stream.writer, device.kind, device);
        writeDevicePushErrorScope(stream.writer, "validation");
      },
      says: "the current GPUDevice, and there is none",
    },
    {
      what: "the release of a kind that is not known",
      write: ({ writer }) => writeRelease(writer, 99, { id: 1, generation: 1 }),
      says: "Objects of kind 99 are not released.",
    },
    {
      what: "the release of a queue, which goes with its device",
      write: ({ writer }) => writeRelease(writer, ObjectKind.GPUQueue, { id: 1, generation: 1 }),
      says: "are not released",
    },
    {
      what: "a label for what has none",
      write: ({ writer }) => writeSetLabel(writer, ObjectKind.GPUAdapter, 1, "name"),
      says: "have no label",
    },
    {
      what: "a staged payload that was not sent",
      write: (stream) => {
        const buffer = stream.make("GPUBuffer");
        writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: COPY_DST });
        writeQueueWriteBuffer(stream.writer, buffer, 0, { stagedLength: 4 });
      },
      says: "none is staged",
    },
    {
      what: "a pipeline that is used before its request is answered",
      write: (stream) => {
        const module = stream.make("GPUShaderModule");
        const pipeline = stream.make("GPUComputePipeline");
        const layout = stream.make("GPUBindGroupLayout");
        const code = "@compute @workgroup_size(1) fn main() {}";
        writeDeviceCreateShaderModule(stream.writer, module, { code });
        writeDeviceCreateComputePipelineAsync(stream.writer, stream.request(), pipeline, {
          layout: "auto",
          compute: { module },
        });
        writeComputePipelineGetBindGroupLayout(stream.writer, pipeline, layout, 0);
      },
      says: "GPUComputePipeline id (1) names no object.",
    },
    // What Dawn throws at the call, the guest should have thrown. PROTOCOL.md lists these.
    {
      what: "a timestamp query set without its feature",
      write: (stream) =>
        writeDeviceCreateQuerySet(stream.writer, stream.make("GPUQuerySet"), {
          type: "timestamp",
          count: 1,
        }),
      says: "Dawn throws at a command: TypeError",
    },
    {
      what: "a format without its feature",
      write: (stream) =>
        writeDeviceCreateTexture(stream.writer, stream.make("GPUTexture"), {
          format: "bc1-rgba-unorm",
          size: { width: 4, height: 4 },
          usage: COPY_DST,
        }),
      says: "Dawn throws at a command: TypeError",
    },
    {
      what: "a swizzle that is not four characters",
      write: (stream) => {
        const texture = stream.make("GPUTexture");
        writeDeviceCreateTexture(stream.writer, texture, {
          format: "rgba8unorm",
          size: { width: 4, height: 4 },
          usage: COPY_DST,
        });
        writeTextureCreateView(stream.writer, texture, stream.make("GPUTextureView"), {
          swizzle: "rg",
        });
      },
      says: "Dawn throws at a command: TypeError",
    },
    {
      what: "data for a buffer that is not whole words",
      write: (stream) => {
        const buffer = stream.make("GPUBuffer");
        writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: COPY_DST });
        writeQueueWriteBuffer(stream.writer, buffer, 0, Uint8Array.of(1, 2, 3));
      },
      says: "Dawn throws at a command: OperationError",
    },
    {
      what: "a range written to a mapped buffer that is not whole words",
      write: (stream) => {
        const buffer = stream.make("GPUBuffer");
        const ranges = [{ offset: 0, size: 3 }];
        writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: MAP_WRITE });
        writeBufferUnmap(stream.writer, buffer, ranges, Uint8Array.of(1, 2, 3));
      },
      says: "Dawn throws at a command: OperationError",
    },
    {
      what: "a surface of a format that no canvas can have",
      write: (stream) => {
        const surface = stream.make("Surface");
        writeSurfaceCreate(stream.writer, surface);
        writeSurfaceConfigure(stream.writer, surface, 4, 4, { format: "r8unorm" });
      },
      says: "A surface is configured with r8unorm, which no canvas can have.",
    },
  ])("$what", async ({ write, says }) => {
    using stream = await withDevice();
    write(stream);
    const sent = stream.send();
    await expect(sent).rejects.toThrow(ProtocolError);
    await expect(sent).rejects.toThrow(says);
  });
});

test("as many promises as the limit says may wait for a reply, and not one more", async () => {
  using stream = await withDevice();
  const { writer } = stream;
  for (let count = 0; count < MAX_PENDING_REQUESTS; count++) {
    writeQueueOnSubmittedWorkDone(writer, stream.request());
  }
  await stream.send();
  writeQueueOnSubmittedWorkDone(writer, stream.request());
  const sent = stream.send();
  await expect(sent).rejects.toThrow(`(limit ${MAX_PENDING_REQUESTS})`);
}, 30_000);

test("a staged batch of commands is replayed, and one over the limit is refused", async () => {
  using stream = await withDevice();
  const { writer } = stream;
  const buffer = stream.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, buffer, { size: 4, usage: COPY_DST });
  stream.stage(writer.take());
  await stream.replayer.executeStaged();
  writeBufferDestroy(writer, buffer);
  await stream.send();
  stream.stage(new Uint8Array(MAX_STAGED_COMMANDS_BYTES + 1));
  expect(() => stream.replayer.executeStaged()).toThrow(`limit (${MAX_STAGED_COMMANDS_BYTES})`);
});

test("closing twice is harmless, and no reply comes after", async () => {
  using stream = await withDevice();
  const before = stream.replies.length;
  writeQueueOnSubmittedWorkDone(stream.writer, stream.request());
  await stream.send();
  stream.replayer.close();
  stream.replayer.close();
  const device = await (await gpu.requestAdapter())!.requestDevice();
  await device.queue.onSubmittedWorkDone();
  expect(stream.replies.length).toBe(before);
});

test("garbage after honest commands is replayed or refused, and leaves Dawn usable", async () => {
  await assert(
    asyncProperty(uint8Array({ minLength: 1, maxLength: 200 }), async (garbage) => {
      using stream = await withDevice();
      const buffer = stream.make("GPUBuffer");
      writeDeviceCreateBuffer(stream.writer, buffer, { size: 4, usage: COPY_DST });
      writeDeviceCreateCommandEncoder(stream.writer, stream.make("GPUCommandEncoder"), {});
      writeQueueSubmit(stream.writer, []);
      stream.writer.raw(garbage);
      const outcome: unknown = await stream.send().catch((error: unknown) => error);
      expect(outcome === undefined || outcome instanceof ProtocolError).toBe(true);
    }),
    { numRuns: 300 },
  );
  using after = await withDevice();
  const reply = await after.ask((request) => writeQueueOnSubmittedWorkDone(after.writer, request));
  expect(reply.kind).toBe("resolved");
}, 60_000);
