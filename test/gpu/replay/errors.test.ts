import { describe, expect, test } from "vitest";
import { create } from "webgpu";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import {
  writeAdapterRequestDevice,
  writeBufferMapAsync,
  writeDeviceCreateBuffer,
  writeDeviceCreateComputePipelineAsync,
  writeDeviceCreateRenderPipelineAsync,
  writeDeviceCreateShaderModule,
  writeDeviceDestroy,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeQueueOnSubmittedWorkDone,
  writeRelease,
  writeRequestAdapter,
  writeSetLabel,
  writeShaderModuleGetCompilationInfo,
} from "#shared/wire/gen/write-commands.ts";
import { GuestStream } from "./guest-stream.ts";

const gpu = create([]);

const MAP_READ = 1;
const COPY_DST = 8;
const SHADER = "@compute @workgroup_size(1) fn main() {}";

async function streamWithDevice(bounds = DEFAULT_BOUNDS): Promise<GuestStream> {
  const stream = new GuestStream(gpu, new SessionBudget(bounds));
  await stream.device();
  return stream;
}

/** A buffer that Dawn refuses: it has no usage. */
function makeInvalidBuffer(stream: GuestStream): void {
  writeDeviceCreateBuffer(stream.writer, stream.make("GPUBuffer"), { size: 16, usage: 0 });
}

describe("an adapter", () => {
  test("is described with its features, limits and names", async () => {
    using stream = new GuestStream(gpu);
    const adapter = stream.make("GPUAdapter");
    const reply = await stream.ask((request) =>
      writeRequestAdapter(stream.writer, request, adapter, {}),
    );
    const direct = await gpu.requestAdapter();
    if (reply.kind !== "adapter" || reply.adapter === null) throw new Error("There is no adapter.");
    expect(reply.adapter.features).toEqual([...direct!.features]);
    expect(reply.adapter.limits["maxTextureDimension2D"]).toBe(
      direct!.limits.maxTextureDimension2D,
    );
    expect(Object.keys(reply.adapter.limits).length).toBeGreaterThan(30);
    expect(reply.adapter.info.description).toBe(direct!.info.description);
    expect(reply.adapter.wgslLanguageFeatures).toEqual([...gpu.wgslLanguageFeatures]);
  });

  test("makes one device, and refuses a second", async () => {
    using stream = await streamWithDevice();
    const adapter = { kind: 1, id: 1 } as const;
    const reply = await stream.ask((request) =>
      writeAdapterRequestDevice(stream.writer, request, adapter, stream.make("GPUDevice"), {}),
    );
    expect(reply).toMatchObject({ kind: "rejected", name: "OperationError" });
    expect(reply).toHaveProperty("message", expect.stringContaining("consumed"));
  });

  test("refuses a feature and a limit that it does not have", async () => {
    using stream = new GuestStream(gpu);
    const adapter = stream.make("GPUAdapter");
    writeRequestAdapter(stream.writer, stream.request(), adapter, {});
    const device = stream.make("GPUDevice");
    const limits = { maxBindGroups: 1_000_000 };
    const reply = await stream.ask((request) =>
      writeAdapterRequestDevice(stream.writer, request, adapter, device, {
        requiredLimits: limits,
      }),
    );
    expect(reply).toMatchObject({ kind: "rejected", name: "OperationError" });
    // The handle of the device that was not made can be released, and its id used again.
    writeRelease(stream.writer, device.kind, device);
    stream.forget("GPUDevice");
    const again = await stream.ask((request) =>
      writeAdapterRequestDevice(stream.writer, request, adapter, stream.make("GPUDevice"), {
        requiredFeatures: ["shader-f16"],
      }),
    );
    expect(again).toMatchObject({ kind: "rejected", name: "TypeError" });
  });
});

describe("errors", () => {
  test("outside any scope are uncaptured, with Dawn's words", async () => {
    using stream = await streamWithDevice();
    makeInvalidBuffer(stream);
    await stream.send();
    const reply = await stream.reply(({ kind }) => kind === "uncapturedError");
    expect(reply).toMatchObject({ device: 1, error: { type: "validation" } });
    expect(reply).toHaveProperty("error.message", expect.stringContaining("usages must not be 0"));
  });

  test("go to the innermost scope of their type, and one without gets null", async () => {
    using stream = await streamWithDevice();
    const { writer } = stream;
    writeDevicePushErrorScope(writer, "validation");
    writeDevicePushErrorScope(writer, "out-of-memory");
    makeInvalidBuffer(stream);
    const inner = await stream.ask((request) => writeDevicePopErrorScope(writer, request));
    const outer = await stream.ask((request) => writeDevicePopErrorScope(writer, request));
    expect(inner).toMatchObject({ kind: "errorScope", error: null });
    expect(outer).toMatchObject({ kind: "errorScope", error: { type: "validation" } });
    expect(stream.replies.some(({ kind }) => kind === "uncapturedError")).toBe(false);
  });

  test("that replay finds go the same way as Dawn's", async () => {
    using stream = await streamWithDevice({ ...DEFAULT_BOUNDS, mappedMemoryMb: 2 ** 40 });
    const { writer } = stream;
    // More than Dawn has memory to map on this side.
    const huge = { size: 2 ** 50, usage: COPY_DST, mappedAtCreation: true };
    writeDevicePushErrorScope(writer, "validation");
    writeDevicePushErrorScope(writer, "out-of-memory");
    writeDeviceCreateBuffer(writer, stream.make("GPUBuffer"), huge);
    const inner = await stream.ask((request) => writeDevicePopErrorScope(writer, request));
    const outer = await stream.ask((request) => writeDevicePopErrorScope(writer, request));
    expect(inner).toMatchObject({ error: { type: "out-of-memory" } });
    expect(outer).toMatchObject({ error: { type: "validation" } });
    writeDeviceCreateBuffer(writer, stream.make("GPUBuffer"), huge);
    await stream.send();
    const uncaptured = await stream.reply(
      (reply) => reply.kind === "uncapturedError" && reply.error.type === "out-of-memory",
    );
    expect(uncaptured).toHaveProperty("error.message", expect.stringContaining("no memory to map"));
  });

  test("a scope that was not pushed cannot be popped", async () => {
    using stream = await streamWithDevice();
    const reply = await stream.ask((request) => writeDevicePopErrorScope(stream.writer, request));
    expect(reply).toMatchObject({ kind: "rejected", name: "OperationError" });
  });

  test("name objects by the label that the guest gave them", async () => {
    using stream = await streamWithDevice();
    const buffer = stream.make("GPUBuffer");
    writeDeviceCreateBuffer(stream.writer, buffer, { size: 16, usage: COPY_DST });
    writeSetLabel(stream.writer, buffer.kind, buffer.id, "the labelled one");
    await stream.ask((request) => writeBufferMapAsync(stream.writer, request, buffer, MAP_READ, 0));
    const reply = await stream.reply(({ kind }) => kind === "uncapturedError");
    expect(reply).toHaveProperty("error.message", expect.stringContaining("the labelled one"));
  });
});

test("a device that is destroyed is lost, once", async () => {
  using stream = await streamWithDevice();
  writeDeviceDestroy(stream.writer);
  writeDeviceDestroy(stream.writer);
  await stream.send();
  await stream.reply(({ kind }) => kind === "deviceLost");
  await stream.ask((request) => writeQueueOnSubmittedWorkDone(stream.writer, request));
  const lost = stream.replies.filter(({ kind }) => kind === "deviceLost");
  expect(lost).toEqual([expect.objectContaining({ device: 1, reason: "destroyed" })]);
});

describe("promises", () => {
  test("work-done resolves", async () => {
    using stream = await streamWithDevice();
    const reply = await stream.ask((request) =>
      writeQueueOnSubmittedWorkDone(stream.writer, request),
    );
    expect(reply.kind).toBe("resolved");
  });

  test("a shader's messages come with their places", async () => {
    using stream = await streamWithDevice();
    const module = stream.make("GPUShaderModule");
    writeDeviceCreateShaderModule(stream.writer, module, { code: "fn f() {\n  nonsense;\n}" });
    const reply = await stream.ask((request) =>
      writeShaderModuleGetCompilationInfo(stream.writer, request, module),
    );
    expect(reply).toMatchObject({
      kind: "compilationInfo",
      messages: [expect.objectContaining({ type: "error", lineNum: 2 })],
    });
  });

  test("an async pipeline can be used once its promise resolves, and not before", async () => {
    using stream = await streamWithDevice();
    const { writer } = stream;
    const module = stream.make("GPUShaderModule");
    const pipeline = stream.make("GPUComputePipeline");
    writeDeviceCreateShaderModule(writer, module, { code: SHADER });
    const reply = await stream.ask((request) =>
      writeDeviceCreateComputePipelineAsync(writer, request, pipeline, {
        layout: "auto",
        compute: { module },
      }),
    );
    expect(reply.kind).toBe("resolved");
    writeSetLabel(writer, pipeline.kind, pipeline.id, "usable");
    await stream.send();
    const early = stream.make("GPUComputePipeline");
    writeDeviceCreateComputePipelineAsync(writer, stream.request(), early, {
      layout: "auto",
      compute: { module },
    });
    writeSetLabel(writer, early.kind, early.id, "too early");
    await expect(stream.send()).rejects.toThrow("GPUComputePipeline id (2) names no object");
  });

  test("an async pipeline that is released before it is there comes to nothing", async () => {
    using stream = await streamWithDevice();
    const { writer } = stream;
    const module = stream.make("GPUShaderModule");
    const pipeline = stream.make("GPUComputePipeline");
    writeDeviceCreateShaderModule(writer, module, { code: SHADER });
    const reply = await stream.ask((request) => {
      writeDeviceCreateComputePipelineAsync(writer, request, pipeline, {
        layout: "auto",
        compute: { module },
      });
      writeRelease(writer, pipeline.kind, pipeline);
    });
    expect(reply.kind).toBe("resolved");
    writeSetLabel(writer, pipeline.kind, pipeline.id, "gone");
    await expect(stream.send()).rejects.toThrow("names no object");
  });

  test("an async pipeline that cannot be made rejects with a GPUPipelineError's reason", async () => {
    using stream = await streamWithDevice();
    const { writer } = stream;
    const module = stream.make("GPUShaderModule");
    writeDeviceCreateShaderModule(writer, module, { code: SHADER });
    const reply = await stream.ask((request) =>
      writeDeviceCreateRenderPipelineAsync(writer, request, stream.make("GPURenderPipeline"), {
        layout: "auto",
        vertex: { module, entryPoint: "nothing" },
      }),
    );
    expect(reply).toMatchObject({ kind: "rejected", reason: "validation" });
  });
});
