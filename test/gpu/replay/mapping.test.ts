import { describe, expect, test } from "vitest";
import { create } from "webgpu";
import {
  writeBufferDestroy,
  writeBufferMapAsync,
  writeBufferUnmap,
  writeCommandEncoderClearBuffer,
  writeCommandEncoderCopyBufferToBuffer,
  writeCommandEncoderFinish,
  writeDeviceCreateBuffer,
  writeDeviceCreateCommandEncoder,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeQueueOnSubmittedWorkDone,
  writeQueueSubmit,
  writeQueueWriteBuffer,
  writeRelease,
} from "#shared/wire/gen/write-commands.ts";
import type { Reply } from "#shared/wire/replies.ts";
import { GuestStream, type Ref } from "./guest-stream.ts";

const gpu = create([]);

const READ = 1;
const WRITE = 2;
const MAP_READ = 1;
const MAP_WRITE = 2;
const COPY_SRC = 4;
const COPY_DST = 8;
const NONE = new Uint8Array();

type Buffers = { readonly source: Ref<"GPUBuffer">; readonly result: Ref<"GPUBuffer"> };

/** A buffer of 16 bytes that the guest writes by mapping, and one to read it back through. */
async function withBuffers(stream: GuestStream, mappedAtCreation = false): Promise<Buffers> {
  await stream.device();
  const source = stream.make("GPUBuffer");
  const result = stream.make("GPUBuffer");
  const usage = MAP_WRITE | COPY_SRC;
  writeDeviceCreateBuffer(stream.writer, source, { size: 16, usage, mappedAtCreation });
  writeDeviceCreateBuffer(stream.writer, result, { size: 16, usage: MAP_READ | COPY_DST });
  return { source, result };
}

function recordCopy(stream: GuestStream, { source, result }: Buffers): Ref<"GPUCommandBuffer"> {
  const { writer } = stream;
  writeDeviceCreateCommandEncoder(writer, stream.make("GPUCommandEncoder"), {});
  writeCommandEncoderCopyBufferToBuffer(writer, source, 0, result, 0, 16);
  const commands = stream.make("GPUCommandBuffer");
  writeCommandEncoderFinish(writer, commands, {});
  return commands;
}

function recordEmpty(stream: GuestStream): Ref<"GPUCommandBuffer"> {
  writeDeviceCreateCommandEncoder(stream.writer, stream.make("GPUCommandEncoder"), {});
  const commands = stream.make("GPUCommandBuffer");
  writeCommandEncoderFinish(stream.writer, commands, {});
  return commands;
}

function fill(stream: GuestStream, buffer: Ref<"GPUBuffer">, value: number): void {
  writeBufferMapAsync(stream.writer, stream.request(), buffer, WRITE, 0);
  const data = new Uint8Array(16).fill(value);
  writeBufferUnmap(stream.writer, buffer, [{ offset: 0, size: 16 }], data);
}

async function read(stream: GuestStream, buffer: Ref<"GPUBuffer">): Promise<number[]> {
  const reply = await stream.ask((request) =>
    writeBufferMapAsync(stream.writer, request, buffer, READ, 0),
  );
  writeBufferUnmap(stream.writer, buffer, [], NONE);
  await stream.send();
  return reply.kind === "mapped" ? [...reply.data] : [];
}

/** The error that `write` makes Dawn or replay find, in a scope of its own. */
async function errorOf(stream: GuestStream, write: () => void): Promise<Reply> {
  writeDevicePushErrorScope(stream.writer, "validation");
  write();
  return stream.ask((request) => writeDevicePopErrorScope(stream.writer, request));
}

const validation = { kind: "errorScope", error: { type: "validation" } };
const noError = { kind: "errorScope", error: null };

describe("a buffer mapped at its creation", () => {
  test.for([
    { what: "for writing", usage: MAP_WRITE | COPY_SRC },
    { what: "of any other usage", usage: COPY_SRC | COPY_DST },
  ])("holds what was written when it is unmapped: $what", async ({ usage }) => {
    using stream = new GuestStream(gpu);
    const { result } = await withBuffers(stream);
    const source = stream.make("GPUBuffer");
    writeDeviceCreateBuffer(stream.writer, source, { size: 16, usage, mappedAtCreation: true });
    const ranges = [
      { offset: 8, size: 4 },
      { offset: 0, size: 4 },
    ];
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    writeBufferUnmap(stream.writer, source, ranges, data);
    writeQueueSubmit(stream.writer, [recordCopy(stream, { source, result })]);
    expect(await read(stream, result)).toEqual([5, 6, 7, 8, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0]);
  });

  test("cannot be used in a submit until it is unmapped", async () => {
    using stream = new GuestStream(gpu);
    const buffers = await withBuffers(stream, true);
    const commands = recordCopy(stream, buffers);
    const mapped = await errorOf(stream, () => writeQueueSubmit(stream.writer, [commands]));
    expect(mapped).toMatchObject(validation);
    writeBufferUnmap(stream.writer, buffers.source, [], NONE);
    const again = recordCopy(stream, buffers);
    const unmapped = await errorOf(stream, () => writeQueueSubmit(stream.writer, [again]));
    expect(unmapped).toMatchObject(noError);
  });
});

describe("a buffer mapped for writing", () => {
  test("gets each write in stream order, in one batch and without waiting", async () => {
    using stream = new GuestStream(gpu);
    const buffers = await withBuffers(stream);
    const second = { source: buffers.source, result: stream.make("GPUBuffer") };
    writeDeviceCreateBuffer(stream.writer, second.result, { size: 16, usage: MAP_READ | COPY_DST });
    fill(stream, buffers.source, 7);
    writeQueueSubmit(stream.writer, [recordCopy(stream, buffers)]);
    // Recorded before the write and submitted after it: sees it.
    const commands = recordCopy(stream, second);
    fill(stream, buffers.source, 9);
    writeQueueSubmit(stream.writer, [commands]);
    expect(await read(stream, buffers.result)).toEqual(Array.from({ length: 16 }, () => 7));
    expect(await read(stream, second.result)).toEqual(Array.from({ length: 16 }, () => 9));
  });

  test("gets what was written also where the guest did not ask for the map", async () => {
    using stream = new GuestStream(gpu);
    const buffers = await withBuffers(stream);
    const data = new Uint8Array(16).fill(5);
    writeBufferUnmap(stream.writer, buffers.source, [{ offset: 0, size: 16 }], data);
    writeQueueSubmit(stream.writer, [recordCopy(stream, buffers)]);
    expect(await read(stream, buffers.result)).toEqual([...data]);
  });

  test("keeps what a later map did not write", async () => {
    using stream = new GuestStream(gpu);
    const buffers = await withBuffers(stream);
    fill(stream, buffers.source, 3);
    writeBufferMapAsync(stream.writer, stream.request(), buffers.source, WRITE, 8, 8);
    const four = Uint8Array.of(1, 1, 1, 1);
    writeBufferUnmap(stream.writer, buffers.source, [{ offset: 8, size: 4 }], four);
    writeQueueSubmit(stream.writer, [recordCopy(stream, buffers)]);
    expect(await read(stream, buffers.result)).toEqual([
      3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 3, 3, 3, 3,
    ]);
  });

  test("cannot be used in a submit while it is mapped", async () => {
    using stream = new GuestStream(gpu);
    const buffers = await withBuffers(stream);
    const commands = recordCopy(stream, buffers);
    writeBufferMapAsync(stream.writer, stream.request(), buffers.source, WRITE, 0);
    const mapped = await errorOf(stream, () => writeQueueSubmit(stream.writer, [commands]));
    expect(mapped).toMatchObject(validation);
    writeBufferUnmap(stream.writer, buffers.source, [], NONE);
    const again = recordCopy(stream, buffers);
    const unmapped = await errorOf(stream, () => writeQueueSubmit(stream.writer, [again]));
    expect(unmapped).toMatchObject(noError);
  });

  // WebGPU, queue.submit: what is refused makes each of its command buffers invalid.
  test.for([
    { who: "replay", mapped: "source" },
    { who: "Dawn", mapped: "result" },
  ] as const)("ends all command buffers of a submit that $who refuses", async ({ mapped }) => {
    using stream = new GuestStream(gpu);
    const buffers = await withBuffers(stream);
    const { writer } = stream;
    fill(stream, buffers.source, 7);
    const commands = [recordCopy(stream, buffers), recordEmpty(stream)];
    const mode = mapped === "source" ? WRITE : READ;
    writeBufferMapAsync(writer, stream.request(), buffers[mapped], mode, 0);
    const refused = await errorOf(stream, () => writeQueueSubmit(writer, commands));
    expect(refused).toMatchObject(validation);
    writeBufferUnmap(writer, buffers[mapped], [], NONE);
    for (const each of commands) {
      const again = await errorOf(stream, () => writeQueueSubmit(writer, [each]));
      expect(again).toMatchObject(validation);
    }
    expect(await read(stream, buffers.result)).toEqual(Array.from({ length: 16 }, () => 0));
  });

  test.for([
    { what: "queue.writeBuffer", usage: MAP_WRITE | COPY_SRC },
    { what: "clearBuffer", usage: MAP_WRITE | COPY_SRC },
    { what: "copyBufferToBuffer", usage: MAP_WRITE | COPY_SRC },
    { what: "queue.writeBuffer", usage: COPY_DST },
    { what: "clearBuffer", usage: COPY_DST },
    { what: "copyBufferToBuffer", usage: COPY_DST },
  ])("is no destination of $what without COPY_DST (usage $usage)", async ({ what, usage }) => {
    using stream = new GuestStream(gpu);
    await stream.device();
    const { writer } = stream;
    const [target, other] = [stream.make("GPUBuffer"), stream.make("GPUBuffer")];
    writeDeviceCreateBuffer(writer, target, { size: 16, usage });
    writeDeviceCreateBuffer(writer, other, { size: 16, usage: COPY_SRC });
    const error = await errorOf(stream, () => {
      if (what === "queue.writeBuffer") {
        writeQueueWriteBuffer(writer, target, 0, new Uint8Array(4));
        return;
      }
      writeDeviceCreateCommandEncoder(writer, stream.make("GPUCommandEncoder"), {});
      if (what === "clearBuffer") writeCommandEncoderClearBuffer(writer, target, 0, 16);
      else writeCommandEncoderCopyBufferToBuffer(writer, other, 0, target, 0, 16);
      writeCommandEncoderFinish(writer, stream.make("GPUCommandBuffer"), {});
    });
    expect(error).toMatchObject(usage === COPY_DST ? noError : validation);
  });

  test.for([
    { what: "at an offset that is no multiple of 8", mode: WRITE, offset: 4, size: 8 },
    { what: "past its end", mode: WRITE, offset: 8, size: 16 },
    { what: "for reading", mode: READ, offset: 0, size: 16 },
    { what: "for reading and writing", mode: READ | WRITE, offset: 0, size: 16 },
  ])("cannot be mapped $what", async ({ mode, offset, size }) => {
    using stream = new GuestStream(gpu);
    const { source } = await withBuffers(stream);
    writeDevicePushErrorScope(stream.writer, "validation");
    const refused = await stream.ask((request) =>
      writeBufferMapAsync(stream.writer, request, source, mode, offset, size),
    );
    const error = await stream.ask((request) => writeDevicePopErrorScope(stream.writer, request));
    expect(refused).toMatchObject({ kind: "rejected", name: "OperationError" });
    expect(error).toMatchObject(validation);
    const control = await stream.ask((request) =>
      writeBufferMapAsync(stream.writer, request, source, WRITE, 8, 8),
    );
    expect(control.kind).toBe("resolved");
  });

  test("cannot be mapped twice, nor once destroyed", async () => {
    using stream = new GuestStream(gpu);
    const { source } = await withBuffers(stream);
    const map = (): Promise<Reply> =>
      stream.ask((request) => writeBufferMapAsync(stream.writer, request, source, WRITE, 0));
    expect((await map()).kind).toBe("resolved");
    expect(await map()).toMatchObject({ kind: "rejected", name: "OperationError" });
    writeBufferUnmap(stream.writer, source, [], NONE);
    expect((await map()).kind).toBe("resolved");
    writeBufferDestroy(stream.writer, source);
    expect(await map()).toMatchObject({ kind: "rejected", name: "OperationError" });
  });
});

test("a map for reading that is undone first is rejected", async () => {
  using stream = new GuestStream(gpu);
  const { result } = await withBuffers(stream);
  const reply = await stream.ask((request) => {
    writeBufferMapAsync(stream.writer, request, result, READ, 0);
    writeBufferUnmap(stream.writer, result, [], NONE);
  });
  expect(reply).toMatchObject({ kind: "rejected", name: "AbortError" });
});

test("a buffer that is released gives its memory back at once", async () => {
  const size = 64 * 1024 ** 2;
  const count = 16;
  using stream = new GuestStream(gpu);
  await stream.device();
  const { writer } = stream;
  const before = process.memoryUsage.rss();
  let highest = before;
  for (let made = 0; made < count; made++) {
    const buffer = stream.make("GPUBuffer");
    writeDeviceCreateBuffer(writer, buffer, { size, usage: COPY_SRC | COPY_DST });
    writeDeviceCreateCommandEncoder(writer, stream.make("GPUCommandEncoder"), {});
    writeCommandEncoderClearBuffer(writer, buffer, 0, size); // Which touches all of it.
    const commands = stream.make("GPUCommandBuffer");
    writeCommandEncoderFinish(writer, commands, {});
    writeQueueSubmit(writer, [commands]);
    await stream.ask((request) => writeQueueOnSubmittedWorkDone(writer, request));
    highest = Math.max(highest, process.memoryUsage.rss());
    writeRelease(writer, buffer.kind, buffer);
    stream.forget("GPUBuffer");
    await stream.send();
  }
  // The control: it was there.
  expect(highest - before).toBeGreaterThan(size / 2);
  expect(highest - before).toBeLessThan((size * count) / 2);
}, 20_000);

describe("written ranges", () => {
  test.for([
    { what: "outside the buffer", ranges: [{ offset: 8, size: 12 }], length: 12 },
    { what: "with too few bytes", ranges: [{ offset: 0, size: 8 }], length: 4 },
    { what: "with too many bytes", ranges: [{ offset: 0, size: 8 }], length: 12 },
    { what: "without ranges", ranges: [], length: 4 },
  ])("break the protocol: $what", async ({ ranges, length }) => {
    using stream = new GuestStream(gpu);
    const { source } = await withBuffers(stream, true);
    writeBufferUnmap(stream.writer, source, ranges, new Uint8Array(length));
    await expect(stream.send()).rejects.toMatchObject({ name: "ProtocolError" });
  });
});
