import { beforeEach, describe, expect, test } from "vitest";
import { DownFrame } from "#shared/wire/frames.ts";
import type { OutgoingReply } from "#shared/wire/replies.ts";
import { answerDevices, type Command, RecordingWorker } from "./recording-worker.ts";

const MAP_READ = 1;
const MAP_WRITE = 2;
const COPY_SRC = 4;
const COPY_DST = 8;
const UNIFORM = 64;
const READ = 1;
const WRITE = 2;

let worker: RecordingWorker;
let device: GPUDevice;

beforeEach(async () => {
  worker = new RecordingWorker();
  device = await worker.device();
  worker.take();
});

const operationError = expect.objectContaining({ name: "OperationError" });
const abortError = expect.objectContaining({ name: "AbortError" });

/** Answers maps for reading with bytes 0, 1, 2, … of the range. */
function answerMaps(command: Command): OutgoingReply | undefined {
  const [request, , mode, offset, size] = command.arguments;
  if (command.name !== "bufferMapAsync" || typeof request !== "number") {
    return answerDevices(command);
  }
  if (mode === WRITE) return { kind: "resolved", request };
  const start = Number(offset);
  const length = Number(size ?? 16 - start);
  return {
    kind: "mapped",
    request,
    data: Uint8Array.from({ length }, (_, index) => start + index),
  };
}

/** Refuses the one map that was asked for since the last look at the commands. */
function refuseMap(): void {
  const [request, ...others] = worker.requests("bufferMapAsync");
  expect(others).toEqual([]);
  worker.reply({ kind: "rejected", request: request!, name: "OperationError", message: "No." });
}

/** The unmaps that were sent, as [ranges, data]. */
function unmaps(): unknown[] {
  device.queue.submit([]);
  const commands = worker.take().filter(({ name }) => name === "bufferUnmap");
  return commands.map(({ arguments: [, ranges, data] }) => [ranges, data]);
}

const createMapped = (size: number, usage = COPY_DST) =>
  device.createBuffer({ size, usage, mappedAtCreation: true });
const createReadable = () => device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
const createWritable = (usage = MAP_WRITE | COPY_SRC) => device.createBuffer({ size: 16, usage });

describe("a buffer mapped at creation", () => {
  test("is zeros until written, and sends what was written when it is unmapped", () => {
    const buffer = createMapped(16);
    expect(buffer.mapState).toBe("mapped");
    const range = buffer.getMappedRange();
    expect(new Uint8Array(range)).toEqual(new Uint8Array(16));
    new Uint8Array(range).fill(7);
    buffer.unmap();
    expect(buffer.mapState).toBe("unmapped");
    expect(range.byteLength).toBe(0); // Detached.
    expect(range.detached).toBe(true);
    expect(unmaps()).toEqual([[[{ offset: 0, size: 16 }], new Uint8Array(16).fill(7)]]);
  });

  test("sends each range that was got, and no other", () => {
    const buffer = createMapped(64);
    new Uint8Array(buffer.getMappedRange(48, 8)).fill(2);
    new Uint8Array(buffer.getMappedRange(8, 4)).fill(1);
    buffer.getMappedRange(32, 0);
    buffer.unmap();
    const ranges = [
      { offset: 48, size: 8 },
      { offset: 8, size: 4 },
    ];
    expect(unmaps()).toEqual([[ranges, Uint8Array.of(2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1)]]);
  });

  test("leaves out a range whose memory the program gave away", () => {
    const buffer = createMapped(16);
    structuredClone(0, { transfer: [buffer.getMappedRange(0, 8)] });
    new Uint8Array(buffer.getMappedRange(8, 8)).fill(3);
    buffer.unmap();
    expect(unmaps()).toEqual([[[{ offset: 8, size: 8 }], new Uint8Array(8).fill(3)]]);
  });

  test.for([3, 6, 2 ** 53 - 8])("cannot have the size %d", (size) => {
    expect(() => createMapped(size)).toThrow(RangeError);
  });

  test("can have a size of a multiple of 4, and one that is not mapped any size", () => {
    expect(() => createMapped(4)).not.toThrow();
    expect(() => device.createBuffer({ size: 6, usage: COPY_DST })).not.toThrow();
  });
});

describe("getMappedRange", () => {
  test.for([
    ["an offset that is no multiple of 8", 4, 4],
    ["a size that is no multiple of 4", 0, 6],
    ["a range past the end", 24, 16],
    ["an offset past the end", 40, 0],
    ["a range that overlaps", 8, 16],
  ] as const)("refuses %s", ([, offset, size]) => {
    const buffer = createMapped(32);
    buffer.getMappedRange(16, 8);
    expect(() => buffer.getMappedRange(offset, size)).toThrow(operationError);
    expect(buffer.getMappedRange(8, 8).byteLength).toBe(8);
    expect(buffer.getMappedRange(24).byteLength).toBe(8);
  });

  test("refuses a buffer that is not mapped", () => {
    const buffer = createMapped(32);
    buffer.unmap();
    expect(() => buffer.getMappedRange()).toThrow(operationError);
  });
});

describe("a map for reading", () => {
  test("resolves with the reply, and its range has the reply's data", async () => {
    worker.answer = answerMaps;
    const buffer = createReadable();
    const mapping = buffer.mapAsync(READ, 8);
    expect(buffer.mapState).toBe("pending");
    await expect(mapping).resolves.toBeUndefined();
    expect(buffer.mapState).toBe("mapped");
    expect(() => buffer.getMappedRange(0, 8)).toThrow(operationError);
    const range = buffer.getMappedRange(8, 4);
    expect(new Uint8Array(range)).toEqual(Uint8Array.of(8, 9, 10, 11));
    buffer.unmap();
    expect(range.detached).toBe(true);
    expect(unmaps()).toEqual([[[], new Uint8Array(0)]]);
  });

  test("leaves with the batch at once", () => {
    const buffer = createReadable();
    void buffer.mapAsync(READ).catch(() => {});
    expect(worker.names()).toEqual(["deviceCreateBuffer", "bufferMapAsync"]);
    buffer.destroy();
  });

  test("is cancelled by unmap, and the late reply changes nothing", async () => {
    const buffer = createReadable();
    const mapping = buffer.mapAsync(READ);
    buffer.unmap();
    await expect(mapping).rejects.toThrow(abortError);
    const again = buffer.mapAsync(READ);
    const [cancelled, current] = worker.requests("bufferMapAsync");
    worker.reply({ kind: "rejected", request: cancelled!, name: "AbortError", message: "" });
    worker.reply({ kind: "mapped", request: current!, data: new Uint8Array(16).fill(5) });
    await again;
    expect(new Uint8Array(buffer.getMappedRange())[3]).toBe(5);
  });

  test("is cancelled by destroy", async () => {
    const buffer = createReadable();
    const mapping = buffer.mapAsync(READ);
    buffer.destroy();
    await expect(mapping).rejects.toThrow(abortError);
    expect(buffer.mapState).toBe("unmapped");
  });

  test("rejects as the reply says", async () => {
    const buffer = createReadable();
    const mapping = buffer.mapAsync(READ);
    refuseMap();
    await expect(mapping).rejects.toThrow(operationError);
    expect(buffer.mapState).toBe("unmapped");
  });

  test("of a buffer that is mapped already is refused by the worker, and changes nothing", async () => {
    worker.answer = answerMaps;
    const buffer = createReadable();
    await buffer.mapAsync(READ);
    worker.answer = ({ arguments: [request] }) => ({
      kind: "rejected",
      request: Number(request),
      name: "OperationError",
      message: "",
    });
    await expect(buffer.mapAsync(READ)).rejects.toThrow(operationError);
    expect(buffer.mapState).toBe("mapped");
  });

  test.for<["unmap" | "destroy", number, number]>([
    ["unmap", MAP_READ, READ],
    ["destroy", MAP_READ, READ],
    ["unmap", MAP_WRITE, WRITE],
    ["destroy", MAP_WRITE, WRITE],
  ])("of a mapped buffer is aborted by %s before it is refused", async ([end, usage, mode]) => {
    worker.answer = answerMaps;
    const buffer = device.createBuffer({ size: 16, usage });
    await buffer.mapAsync(mode);
    worker.answer = () => undefined;
    const refused = buffer.mapAsync(mode);
    await expect(buffer.mapAsync(mode)).rejects.toThrow(operationError);
    buffer[end]();
    await expect(refused).rejects.toThrow(abortError);
  });

  test("of a buffer that is about to be mapped rejects at once, and leaves the first alone", async () => {
    const buffer = createReadable();
    const first = buffer.mapAsync(READ);
    expect(worker.requests("bufferMapAsync")).toHaveLength(1);
    const order: string[] = [];
    const second = buffer.mapAsync(READ);
    const caught = second.catch(() => order.push("rejected"));
    queueMicrotask(() => order.push("microtask"));
    await caught;
    await expect(second).rejects.toThrow(operationError);
    expect(order).toEqual(["rejected", "microtask"]);
    expect(worker.requests("bufferMapAsync")).toEqual([]);
    buffer.unmap();
    await expect(first).rejects.toThrow(abortError);
  });

  test("takes data that went before the reply as a payload", async () => {
    const buffer = device.createBuffer({ size: 1 << 20, usage: MAP_READ | COPY_DST });
    const mapping = buffer.mapAsync(READ);
    const [request] = worker.requests("bufferMapAsync");
    const total = new Uint8Array(8);
    new DataView(total.buffer).setFloat64(0, 1 << 20, true);
    worker.send(DownFrame.payloadBegin, total);
    for (let part = 0; part < 4; part++) {
      worker.send(DownFrame.payloadChunk, new Uint8Array(1 << 18).fill(part));
    }
    worker.reply({ kind: "mapped", request: request!, data: { stagedLength: 1 << 20 } });
    await mapping;
    const bytes = new Uint8Array(buffer.getMappedRange());
    expect([bytes[0], bytes[1 << 18], bytes[(1 << 20) - 1]]).toEqual([0, 1, 3]);
  });
});

describe("a map for writing", () => {
  test("resolves without a reply, again and again, and keeps what was written", async () => {
    const buffer = createWritable();
    const mapping = buffer.mapAsync(WRITE);
    expect(buffer.mapState).toBe("pending");
    await mapping;
    new Uint8Array(buffer.getMappedRange(8, 8)).fill(1);
    buffer.unmap();
    await buffer.mapAsync(WRITE);
    const whole = new Uint8Array(buffer.getMappedRange());
    expect(whole).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
    whole[0] = 9;
    buffer.unmap();
    await buffer.mapAsync(WRITE, 0, 8);
    expect(new Uint8Array(buffer.getMappedRange(0, 8))[0]).toBe(9);
    buffer.unmap();
    expect(unmaps()).toHaveLength(3);
  });

  test("lets the event loop have a turn, for a program that does nothing else", async () => {
    const buffer = createWritable();
    let turns = 0;
    const count = (): void => {
      turns++;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    for (let time = 1; time <= 3; time++) {
      await buffer.mapAsync(WRITE);
      expect(turns).toBeGreaterThanOrEqual(time);
      buffer.unmap();
    }
    clearImmediate(next);
  });

  test("tells the worker, which checks that no mapped buffer is used", async () => {
    const buffer = createWritable();
    await buffer.mapAsync(WRITE);
    expect(worker.names()).toEqual(["deviceCreateBuffer", "bufferMapAsync"]);
    buffer.unmap();
    expect(unmaps()).toEqual([[[], new Uint8Array(0)]]);
  });

  test("keeps what was written at creation", async () => {
    const buffer = createMapped(8, MAP_WRITE);
    new Uint8Array(buffer.getMappedRange()).fill(4);
    buffer.unmap();
    await buffer.mapAsync(WRITE);
    expect(new Uint8Array(buffer.getMappedRange())).toEqual(new Uint8Array(8).fill(4));
  });

  test("is cancelled by an unmap before it resolves", async () => {
    const buffer = createWritable();
    const mapping = buffer.mapAsync(WRITE);
    buffer.unmap();
    await expect(mapping).rejects.toThrow(abortError);
    expect(buffer.mapState).toBe("unmapped");
  });

  test.for([
    ["an offset that is no multiple of 8", 4, 4, MAP_WRITE],
    ["a range past the end", 8, 16, MAP_WRITE],
    ["a size that is no multiple of 4", 0, 6, MAP_WRITE],
    ["a usage without MAP_WRITE", 0, 16, COPY_SRC],
    ["a usage that MAP_WRITE does not go with", 0, 16, MAP_WRITE | UNIFORM],
  ] as const)("waits for the worker's word on %s", async ([, offset, size, usage]) => {
    const buffer = createWritable(usage);
    const mapping = buffer.mapAsync(WRITE, offset, size);
    refuseMap();
    await expect(mapping).rejects.toThrow(operationError);
  });
});

test("destroying the device unmaps its buffers, and its lost promise resolves at once", async () => {
  const buffer = createMapped(8);
  const range = buffer.getMappedRange();
  const pending = device.createBuffer({ size: 16, usage: MAP_READ }).mapAsync(READ);
  device.destroy();
  expect(buffer.mapState).toBe("unmapped");
  expect(range.detached).toBe(true);
  await expect(pending).rejects.toThrow(abortError);
  expect((await device.lost).reason).toBe("destroyed");
});

test("a buffer whose memory the program gave away is mapped again, as zeros", async () => {
  const buffer = createWritable();
  for (const value of [7, 8]) {
    await buffer.mapAsync(WRITE);
    const range = buffer.getMappedRange();
    new Uint8Array(range).fill(value);
    if (value === 8) structuredClone(range, { transfer: [range] });
    buffer.unmap();
  }
  await buffer.mapAsync(WRITE);
  expect([...new Uint8Array(buffer.getMappedRange())]).toEqual(Array(16).fill(0));
});
