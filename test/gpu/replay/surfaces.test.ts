import { describe, expect, test } from "vitest";
import { create } from "webgpu";
import {
  writeCommandEncoderBeginRenderPass,
  writeCommandEncoderFinish,
  writeDeviceCreateCommandEncoder,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeEndFrame,
  writeQueueSubmit,
  writeRelease,
  writeRenderPassEncoderEnd,
  writeSurfaceConfigure,
  writeSurfaceCreate,
  writeSurfaceGetCurrentTexture,
  writeSurfacePresent,
  writeSurfaceUnconfigure,
  writeTextureCreateView,
  writeTextureDestroy,
} from "#shared/wire/gen/write-commands.ts";
import { MAX_LIVE_SURFACES } from "#shared/wire/limits.ts";
import { GuestStream, type Ref } from "./guest-stream.ts";

const gpu = create([]);

async function withSurface(
  width = 64,
  height = 2,
): Promise<{ stream: GuestStream; surface: Ref<"Surface"> }> {
  const stream = new GuestStream(gpu);
  await stream.device();
  const surface = stream.make("Surface");
  writeSurfaceCreate(stream.writer, surface);
  writeSurfaceConfigure(stream.writer, surface, width, height, { format: "bgra8unorm" });
  return { stream, surface };
}

/** Clears the surface's texture to a colour, and returns it. */
function drawFrame(stream: GuestStream, surface: Ref<"Surface">, red: number): Ref<"GPUTexture"> {
  const { writer } = stream;
  const texture = stream.make("GPUTexture");
  writeSurfaceGetCurrentTexture(writer, surface, texture);
  const view = stream.make("GPUTextureView");
  writeTextureCreateView(writer, texture, view, {});
  writeDeviceCreateCommandEncoder(writer, stream.make("GPUCommandEncoder"), {});
  const clearValue = { r: red, g: 0, b: 0, a: 1 };
  writeCommandEncoderBeginRenderPass(writer, stream.make("GPURenderPassEncoder"), {
    colorAttachments: [{ view, loadOp: "clear", clearValue, storeOp: "store" }],
  });
  writeRenderPassEncoderEnd(writer);
  const commands = stream.make("GPUCommandBuffer");
  writeCommandEncoderFinish(writer, commands, {});
  writeQueueSubmit(writer, [commands]);
  return texture;
}

/** The first pixel of a presented texture. */
async function firstPixel(device: GPUDevice, texture: GPUTexture): Promise<number[]> {
  const buffer = device.createBuffer({ size: 256, usage: 1 | 8 });
  const encoder = device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: 256 }, [1, 1]);
  device.queue.submit([encoder.finish()]);
  await buffer.mapAsync(1);
  return [...new Uint8Array(buffer.getMappedRange(0, 4).slice(0))];
}

test("what a program drew is handed to capture, with all that capture has to know", async () => {
  const { stream, surface } = await withSurface();
  using _ = stream;
  drawFrame(stream, surface, 1);
  writeSurfacePresent(stream.writer, surface);
  await stream.send();
  const [picture, ...more] = stream.pictures.presented;
  expect(more).toEqual([]);
  expect(picture).toMatchObject({
    surface: { connection: 7, id: 1 },
    width: 64,
    height: 2,
    format: "bgra8unorm",
    alphaMode: "opaque",
    colorSpace: "srgb",
    toneMapping: "standard",
  });
  expect(await firstPixel(picture!.device, picture!.texture)).toEqual([0, 0, 255, 255]);
});

test("a presented texture is capture's: the guest's release and destroy leave it", async () => {
  const { stream, surface } = await withSurface();
  using _ = stream;
  const texture = drawFrame(stream, surface, 1);
  writeSurfacePresent(stream.writer, surface);
  writeTextureDestroy(stream.writer, texture);
  writeRelease(stream.writer, texture.kind, texture);
  await stream.send();
  const [picture] = stream.pictures.presented;
  expect(await firstPixel(picture!.device, picture!.texture)).toEqual([0, 0, 255, 255]);
});

test("each frame has a texture of its own under one key", async () => {
  const { stream, surface } = await withSurface();
  using _ = stream;
  for (const red of [0, 1]) {
    drawFrame(stream, surface, red);
    writeSurfacePresent(stream.writer, surface);
  }
  await stream.send();
  const [first, second] = stream.pictures.presented;
  expect(first!.surface).toBe(second!.surface);
  expect(await firstPixel(first!.device, first!.texture)).toEqual([0, 0, 0, 255]);
  expect(await firstPixel(second!.device, second!.texture)).toEqual([0, 0, 255, 255]);
});

test("a frame is received at its end, and finished after its picture", async () => {
  const { stream, surface } = await withSurface();
  using _ = stream;
  drawFrame(stream, surface, 1);
  writeSurfacePresent(stream.writer, surface);
  writeEndFrame(stream.writer, 5);
  await stream.send();
  expect(stream.events).toEqual(["received 5"]);
  await expect.poll(() => stream.events).toEqual(["received 5", "finished 5"]);
});

describe("a surface leaves the picture", () => {
  test.for(["release", "unconfigure", "end of the connection"])("at its %s", async (way) => {
    const { stream, surface } = await withSurface();
    using _ = stream;
    drawFrame(stream, surface, 1);
    writeSurfacePresent(stream.writer, surface);
    await stream.send();
    expect(stream.pictures.released).toEqual([]);
    if (way === "release") writeRelease(stream.writer, surface.kind, surface);
    if (way === "unconfigure") writeSurfaceUnconfigure(stream.writer, surface);
    await stream.send();
    if (way === "end of the connection") stream.replayer.close();
    expect(stream.pictures.released).toEqual([1]);
    stream.replayer.close();
    expect(stream.pictures.released).toEqual([1]);
  });

  test("only if it was in it", async () => {
    const { stream, surface } = await withSurface();
    using _ = stream;
    writeRelease(stream.writer, surface.kind, surface);
    await stream.send();
    expect(stream.pictures.released).toEqual([]);
  });
});

test.for([
  { width: 0, height: 2 },
  { width: 64, height: 0 },
  { width: 8193, height: 1 },
])("a canvas of $width by $height is Dawn's to refuse, and shows nothing", async (size) => {
  const { stream, surface } = await withSurface(size.width, size.height);
  using _ = stream;
  const { writer } = stream;
  writeDevicePushErrorScope(writer, "validation");
  writeSurfaceGetCurrentTexture(writer, surface, stream.make("GPUTexture"));
  writeSurfacePresent(writer, surface);
  const reply = await stream.ask((request) => writeDevicePopErrorScope(writer, request));
  expect(reply).toMatchObject({ kind: "errorScope", error: { type: "validation" } });
  expect(stream.pictures.presented).toEqual([]);
});

test("a surface that is configured anew drops the texture that was not presented", async () => {
  const { stream, surface } = await withSurface();
  using _ = stream;
  drawFrame(stream, surface, 1);
  writeSurfaceConfigure(stream.writer, surface, 32, 4, { format: "rgba8unorm" });
  drawFrame(stream, surface, 1);
  writeSurfacePresent(stream.writer, surface);
  await stream.send();
  expect(stream.pictures.presented).toMatchObject([{ width: 32, height: 4, format: "rgba8unorm" }]);
});

describe("the protocol is broken by", () => {
  test.for<{
    readonly what: string;
    readonly write: (stream: GuestStream, surface: Ref<"Surface">) => void;
    readonly says: string;
  }>([
    {
      what: "a second texture before the first is presented",
      write: (stream, surface) => {
        for (let twice = 0; twice < 2; twice++) {
          writeSurfaceGetCurrentTexture(stream.writer, surface, stream.make("GPUTexture"));
        }
      },
      says: "was not presented yet",
    },
    {
      what: "a present without a texture",
      write: (stream, surface) => writeSurfacePresent(stream.writer, surface),
      says: "presented without a texture",
    },
    {
      what: "a texture of a surface that is not configured",
      write: (stream, surface) => {
        writeSurfaceUnconfigure(stream.writer, surface);
        writeSurfaceGetCurrentTexture(stream.writer, surface, stream.make("GPUTexture"));
      },
      says: "is not configured",
    },
    {
      what: "a format that no canvas has",
      write: (stream, surface) =>
        writeSurfaceConfigure(stream.writer, surface, 4, 4, { format: "r8unorm" }),
      says: "which no canvas can have",
    },
  ])("$what", async ({ write, says }) => {
    const { stream, surface } = await withSurface();
    using _ = stream;
    write(stream, surface);
    await expect(stream.send()).rejects.toThrow(says);
  });
});

async function makeCanvases(count: number): Promise<void> {
  using stream = new GuestStream(gpu);
  await stream.device();
  for (let made = 0; made < count; made++) {
    writeSurfaceCreate(stream.writer, stream.make("Surface"));
  }
  await stream.send();
}

test("a connection has canvases up to the limit, and not one more", async () => {
  await makeCanvases(MAX_LIVE_SURFACES);
  await expect(makeCanvases(MAX_LIVE_SURFACES + 1)).rejects.toThrow(
    /Surface id \(65\) is over the limit \(64\)/,
  );
});

test("a canvas's usage with every bit is Dawn's to judge", async () => {
  const { stream, surface } = await withSurface();
  using _ = stream;
  const { writer } = stream;
  const usage = 0x8000_0010;
  writeSurfaceConfigure(writer, surface, 64, 2, { format: "bgra8unorm", usage });
  writeDevicePushErrorScope(writer, "validation");
  writeSurfaceGetCurrentTexture(writer, surface, stream.make("GPUTexture"));
  const reply = await stream.ask((request) => writeDevicePopErrorScope(writer, request));
  expect(reply).toMatchObject({ kind: "errorScope", error: { type: "validation" } });
});
