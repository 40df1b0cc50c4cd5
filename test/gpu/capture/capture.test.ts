import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { create } from "webgpu";
import { CAPTURE_USAGE, Capture, type CapturePath } from "#server/capture/capture.ts";
import { RING_SLOTS } from "#server/capture/readback-ring.ts";
import type { Readback } from "#server/capture/readback.ts";
import { ColorConverter } from "#server/encode/color-converter.ts";
import { Picture } from "#server/encode/picture.ts";
import { pictureToRgba } from "#test/support/decode-video.ts";
import { largestDifference } from "#test/support/psnr.ts";
import { type TestPicture, colorBars, gradient } from "#test/support/test-pictures.ts";

const COPY_DST = 0x02;
const RENDER_ATTACHMENT = 0x10;

let gpu: GPU;
let device: GPUDevice;
const strayErrors: string[] = [];

beforeAll(async () => {
  gpu = create([]);
  const adapter = await gpu.requestAdapter();
  device = await adapter!.requestDevice();
  device.addEventListener("uncapturederror", (event) => strayErrors.push(event.error.message));
});

afterAll(() => {
  device.destroy();
  if (strayErrors.length > 0) throw new Error(strayErrors.join("\n"));
});

type Format = "rgba8unorm" | "bgra8unorm" | "rgba16float";

function upload({ width, height, rgba }: TestPicture, format: Format, on = device): GPUTexture {
  const texture = on.createTexture({
    size: [width, height],
    format,
    usage: COPY_DST | RENDER_ATTACHMENT | CAPTURE_USAGE,
  });
  const texel = format === "rgba16float" ? 8 : 4;
  let bytes = rgba.slice();
  if (format === "bgra8unorm") {
    for (let at = 0; at < bytes.length; at += 4) {
      [bytes[at], bytes[at + 2]] = [bytes[at + 2]!, bytes[at]!];
    }
  } else if (format === "rgba16float") {
    bytes = new Uint8Array(Float16Array.from(rgba, (value) => value / 255).buffer);
  }
  on.queue.writeTexture({ texture }, bytes, { bytesPerRow: width * texel }, [width, height]);
  return texture;
}

function open(path: CapturePath, layout: "i420" | "nv12" = "i420", on = device): Capture {
  const capture = new Capture(on, path, layout);
  onTestFinished(() => capture.close());
  return capture;
}

/** A readback as a decoder would show it: RGBA, by way of video where it is not video yet. */
async function show(readback: Readback): Promise<TestPicture> {
  const { width, height, layout, pitch } = readback;
  using picture = new Picture(layout, width, height, pitch);
  picture.write(readback.bytes);
  if (layout === "i420" || layout === "nv12") return pictureToRgba(picture.frame);
  using video = new Picture("i420", width, height, Math.ceil(width / 128) * 128);
  using converter = new ColorConverter();
  await converter.convert(picture, video);
  return pictureToRgba(video.frame);
}

/** The picture with its last column and row doubled where a side is odd. */
function padded({ width, height, rgba }: TestPicture): TestPicture {
  const size = { width: width + (width & 1), height: height + (height & 1) };
  const bytes = new Uint8Array(size.width * size.height * 4);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const from = (Math.min(y, height - 1) * width + Math.min(x, width - 1)) * 4;
      bytes.set(rgba.subarray(from, from + 4), (y * size.width + x) * 4);
    }
  }
  return { ...size, rgba: bytes };
}

const sizes = [
  [1280, 720],
  [101, 67],
  [64, 33],
  [33, 64],
  [1, 1],
  [2, 2],
  [9, 17],
] as const;

describe.each([
  { path: "swscale", layout: "i420" },
  { path: "gpu", layout: "i420" },
  { path: "gpu", layout: "nv12" },
] as const)("the $path path ($layout)", ({ path, layout }) => {
  test.each(
    (["rgba8unorm", "bgra8unorm", "rgba16float"] as const).flatMap((format) =>
      sizes.map(([width, height]) => ({ format, width, height })),
    ),
  )("captures $format of $width by $height", async ({ format, width, height }) => {
    const picture = gradient(width, height);
    const readback = await open(path, layout).capture({
      texture: upload(picture, format),
      width,
      height,
      format,
      colorSpace: "srgb",
    });
    const shown = await show(readback!);
    const expected = padded(picture);
    expect(shown).toMatchObject({ width: expected.width, height: expected.height });
    expect(largestDifference(shown.rgba, expected.rgba)).toBeLessThanOrEqual(5);
    readback!.release();
  });

  test("carries every colour to within 3 of 255", async () => {
    const bars = colorBars(640, 32);
    const readback = await open(path, layout).capture({
      ...bars,
      texture: upload(bars, "bgra8unorm"),
      format: "bgra8unorm",
      colorSpace: "srgb",
    });
    const shown = await show(readback!);
    for (let bar = 0; bar < 10; bar++) {
      const at = (16 * 640 + bar * 64 + 32) * 4;
      expect(
        largestDifference(shown.rgba.subarray(at, at + 4), bars.rgba.subarray(at, at + 4)),
        `bar ${bar}`,
      ).toBeLessThanOrEqual(3);
    }
    readback!.release();
  });

  test("shows what is transparent as its colour on black", async () => {
    const bars = colorBars(64, 16);
    for (let at = 3; at < bars.rgba.length; at += 4) bars.rgba[at] = 0;
    const readback = await open(path, layout).capture({
      ...bars,
      texture: upload(bars, "rgba8unorm"),
      format: "rgba8unorm",
      colorSpace: "srgb",
    });
    const shown = await show(readback!);
    expect(largestDifference(shown.rgba.subarray(0, 4), bars.rgba.subarray(0, 4))).toBeLessThan(4);
    readback!.release();
  });

  test("captures a texture that was drawn to through an sRGB view as it is stored", async () => {
    const texture = device.createTexture({
      size: [16, 16],
      format: "bgra8unorm",
      viewFormats: ["bgra8unorm-srgb"],
      usage: RENDER_ATTACHMENT | CAPTURE_USAGE,
    });
    const encoder = device.createCommandEncoder();
    encoder
      .beginRenderPass({
        colorAttachments: [
          {
            view: texture.createView({ format: "bgra8unorm-srgb" }),
            clearValue: [0.2158605, 0.2158605, 0.2158605, 1], // 128 in sRGB
            loadOp: "clear",
            storeOp: "store",
          },
        ],
      })
      .end();
    device.queue.submit([encoder.finish()]);
    const capture = open(path, layout);
    const source = { texture, width: 16, height: 16, format: "bgra8unorm" } as const;
    const readback = await capture.capture({ ...source, colorSpace: "srgb" });
    const shown = await show(readback!);
    expect(Math.abs(shown.rgba[0]! - 128)).toBeLessThanOrEqual(2);
    readback!.release();
  });

  test("has as many buffers as the ring, and one more when one comes back", async () => {
    const capture = open(path, layout);
    const bars = colorBars(64, 16);
    const texture = upload(bars, "rgba8unorm");
    const source = { ...bars, texture, format: "rgba8unorm", colorSpace: "srgb" } as const;
    const readbacks = await Promise.all(
      Array.from({ length: RING_SLOTS + 1 }, () => capture.capture(source)),
    );
    expect(readbacks.map((readback) => readback !== undefined)).toEqual([
      ...Array<boolean>(RING_SLOTS).fill(true),
      false,
    ]);
    expect(capture.hasFree).toBe(false);
    readbacks[0]!.release();
    readbacks[0]!.release();
    expect(capture.hasFree).toBe(true);
    const again = await capture.capture(source);
    expect(again).toBeDefined();
    for (const readback of [...readbacks.slice(1), again]) readback?.release();
  });

  test("follows a change of size while readbacks of the old size are out", async () => {
    const capture = open(path, layout);
    const old = gradient(64, 32);
    const larger = gradient(128, 96);
    const take = (picture: TestPicture) =>
      capture.capture({
        ...picture,
        texture: upload(picture, "rgba8unorm"),
        format: "rgba8unorm",
        colorSpace: "srgb",
      });
    const first = await take(old);
    const second = await take(larger);
    expect(first).toMatchObject({ width: 64, height: 32 });
    expect(second).toMatchObject({ width: 128, height: 96 });
    const shown = await show(first!);
    expect(largestDifference(shown.rgba, old.rgba)).toBeLessThanOrEqual(5);
    first!.release();
    second!.release();
    (await take(larger))!.release();
  });

  test("keeps its errors from the program whose device it is", async () => {
    const capture = open(path, layout);
    device.pushErrorScope("validation");
    const invalid = device.createTexture({ size: [0, 1], format: "rgba8unorm", usage: 1 });
    expect(await device.popErrorScope()).not.toBeNull();
    device.pushErrorScope("validation");
    const readback = capture.capture({
      texture: invalid,
      width: 64,
      height: 64,
      format: "rgba8unorm",
      colorSpace: "srgb",
    });
    const scope = await device.popErrorScope();
    expect(await readback).toBeUndefined();
    expect(scope).toBeNull();
    expect(capture.hasFree).toBe(true);
  });

  test("gives nothing once it is closed, or its device is lost", async () => {
    const adapter = await gpu.requestAdapter();
    const own = await adapter!.requestDevice();
    const bars = colorBars(64, 16);
    const texture = upload(bars, "rgba8unorm", own);
    const source = { ...bars, texture, format: "rgba8unorm", colorSpace: "srgb" } as const;
    const capture = open(path, layout, own);
    const control = await capture.capture(source);
    expect(control).toBeDefined();
    control!.release();
    const underway = capture.capture(source);
    own.destroy();
    expect(await underway).toBeUndefined();
    expect(await capture.capture(source)).toBeUndefined();
    capture.close();
    capture.close();
    expect(await capture.capture(source)).toBeUndefined();
  });
});

// Expected by CSS Color 4, section 10: a colour inside sRGB, since others are clipped.
test.each([
  { colorSpace: "srgb", stored: [162, 99, 72], shown: [162, 99, 72] },
  { colorSpace: "display-p3", stored: [153, 102, 77], shown: [162, 99, 72] },
  { colorSpace: "srgb-linear", stored: [92, 32, 17], shown: [162, 99, 72] },
  { colorSpace: "display-p3-linear", stored: [81, 34, 19], shown: [162, 99, 72] },
] as const)("a canvas in $colorSpace is shown in sRGB", async ({ colorSpace, stored, shown }) => {
  const picture = gradient(16, 16);
  for (let at = 0; at < picture.rgba.length; at += 4) picture.rgba.set(stored, at);
  for (const path of ["swscale", "gpu"] as const) {
    const readback = await open(path).capture({
      ...picture,
      texture: upload(picture, "rgba8unorm"),
      format: "rgba8unorm",
      colorSpace,
    });
    const { rgba } = await show(readback!);
    const difference = largestDifference(rgba.subarray(0, 4), Uint8Array.of(...shown, 255));
    expect(difference, `${path} path`).toBeLessThanOrEqual(3);
    readback!.release();
  }
});
