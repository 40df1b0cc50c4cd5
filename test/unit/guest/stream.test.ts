import { beforeEach, describe, expect, test } from "vitest";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { UpFrame } from "#shared/wire/frames.ts";
import { MAX_FRAME_BYTES, MAX_INLINE_BYTES, MAX_STRING_BYTES } from "#shared/wire/limits.ts";
import { RecordingWorker } from "./recording-worker.ts";

let worker: RecordingWorker;
let device: GPUDevice;

beforeEach(async () => {
  worker = new RecordingWorker();
  device = await worker.device();
  worker.take();
  worker.frames.length = 0;
});

/** Records a command, which waits for others. */
function recordOne(): void {
  device.createSampler();
  expect(worker.frames).toEqual([]);
}

/** Names and first arguments of all commands, with those that make an object current. */
function allCommands(): [name: string, first: unknown][] {
  device.queue.submit([]);
  return worker.commands.splice(0).map(({ name, arguments: [first] }) => [name, first]);
}

describe("a batch leaves", () => {
  test("at the end of the microtask", async () => {
    recordOne();
    await Promise.resolve();
    expect(worker.names()).toEqual(["deviceCreateSampler"]);
  });

  test("at submit", () => {
    recordOne();
    device.queue.submit([]);
    expect(worker.names()).toEqual(["deviceCreateSampler", "queueSubmit"]);
  });

  test("when a promise is asked for", () => {
    recordOne();
    void device.queue.onSubmittedWorkDone();
    expect(worker.names()).toEqual(["deviceCreateSampler", "queueOnSubmittedWorkDone"]);
  });

  test("when it is large", () => {
    const pass = device.createCommandEncoder().beginComputePass();
    for (let count = 0; count < 20_000; count++) pass.dispatchWorkgroups(1000, 1000, 1000);
    expect(worker.frames.length).toBeGreaterThan(1);
    expect(worker.frames.every((kind) => kind === UpFrame.commands)).toBe(true);
    device.queue.submit([]);
    expect(worker.names().filter((name) => /Dispatch/.test(name))).toHaveLength(20_000);
  });
});

describe("bulk data", () => {
  test.for([
    // The batch is large with it, and leaves before the submit.
    [
      "at the inline limit travels in the command",
      MAX_INLINE_BYTES,
      [UpFrame.commands, UpFrame.commands],
    ],
    [
      "over the inline limit is staged",
      MAX_INLINE_BYTES + 4,
      [UpFrame.commands, UpFrame.payloadBegin, UpFrame.payloadChunk, UpFrame.commands],
    ],
    [
      "of a megabyte is staged in chunks",
      1 << 20,
      [
        UpFrame.commands,
        UpFrame.payloadBegin,
        ...Array.from({ length: 4 }, () => UpFrame.payloadChunk),
        UpFrame.commands,
      ],
    ],
  ] as const)("%s", ([, size, frames]) => {
    const buffer = device.createBuffer({ size, usage: 8 });
    const data = Uint8Array.from({ length: size }, (_, index) => index % 251);
    device.queue.writeBuffer(buffer, 0, data);
    const expected = data.slice();
    data.fill(0); // What the program does with its data afterwards changes nothing.
    device.queue.submit([]);
    expect(worker.frames).toEqual(frames);
    const write = worker.take().find(({ name }) => name === "queueWriteBuffer")!;
    expect(write.arguments[2]).toEqual(expected);
  });

  test("of writes that follow one another arrives with its own command", () => {
    const buffer = device.createBuffer({ size: 1 << 20, usage: 8 });
    for (const value of [1, 2, 3]) {
      device.queue.writeBuffer(buffer, 0, new Uint8Array(100_000).fill(value));
    }
    device.queue.submit([]);
    const writes = worker.take().filter(({ name }) => name === "queueWriteBuffer");
    expect(writes.map(({ arguments: [, , data] }) => data)).toEqual(
      [1, 2, 3].map((value) => new Uint8Array(100_000).fill(value)),
    );
  });
});

describe("a command larger than a frame", () => {
  test("travels as a staged batch, between the commands before and after it", () => {
    const code = `// ${"x".repeat(MAX_FRAME_BYTES)}`;
    device.createSampler();
    device.createShaderModule({ code });
    device.createSampler();
    device.queue.submit([]);
    expect(worker.frames).toContain(UpFrame.stagedCommands);
    const commands = worker.take();
    expect(commands.map(({ name }) => name)).toEqual([
      "deviceCreateSampler",
      "deviceCreateShaderModule",
      "deviceCreateSampler",
      "queueSubmit",
    ]);
    expect(commands[1]!.arguments[1]).toMatchObject({ code });
  });

  test("over the worker's limit throws, and neither it nor its handle is used", () => {
    const code = "x".repeat(MAX_STRING_BYTES + 1);
    expect(() => device.createShaderModule({ code })).toThrow(RangeError);
    device.createShaderModule({ code: "" });
    device.queue.submit([]);
    const [module] = worker.take();
    expect(module!.arguments[0]).toMatchObject({ id: 1 });
  });
});

describe("current objects", () => {
  test("are named when another was current, and not otherwise", () => {
    const [first, second] = [0, 1].map(() => device.createCommandEncoder());
    const passes = [first!, second!].map((encoder) => encoder.beginComputePass());
    allCommands();
    for (const pass of passes) {
      pass.dispatchWorkgroups(1);
      pass.dispatchWorkgroups(2);
    }
    second!.pushDebugGroup("a");
    expect(allCommands()).toEqual([
      ["useComputePassEncoder", 1],
      ["computePassEncoderDispatchWorkgroups", 1],
      ["computePassEncoderDispatchWorkgroups", 2],
      ["useComputePassEncoder", 2],
      ["computePassEncoderDispatchWorkgroups", 1],
      ["computePassEncoderDispatchWorkgroups", 2],
      ["commandEncoderPushDebugGroup", "a"],
      ["queueSubmit", []],
    ]);
  });

  test("include the device", async () => {
    const other = await worker.device();
    worker.commands.length = 0;
    other.createSampler();
    other.createSampler();
    device.createSampler();
    expect(allCommands().map(([name]) => name)).toEqual([
      "useDevice",
      "deviceCreateSampler",
      "deviceCreateSampler",
      "useDevice",
      "deviceCreateSampler",
      "queueSubmit",
    ]);
  });
});

test("labels are sent when they are set, in descriptors when objects are made", () => {
  const buffer = device.createBuffer({ size: 4, usage: 8, label: "first\ud800" });
  expect(buffer.label).toBe("first\ufffd");
  buffer.label = "second";
  device.queue.label = "queue";
  device.queue.submit([]);
  const [create, ...labels] = worker.take();
  expect(create!.arguments[1]).toMatchObject({ label: "first\ufffd" });
  expect(labels.slice(0, 2).map((label) => label.arguments)).toEqual([
    [ObjectKind.GPUBuffer, 1, "second"],
    [ObjectKind.GPUQueue, 1, "queue"],
  ]);
  expect([buffer.label, device.queue.label, device.label]).toEqual(["second", "queue", ""]);
});
