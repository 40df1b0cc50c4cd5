import { writeQueueWriteTexture } from "#shared/wire/gen/write-commands.ts";
import type { GPUTexelCopyTextureInfo } from "#shared/wire/gen/dictionaries.ts";
import { convertTexels, isCopyFormat } from "./external-image-texels.ts";
import {
  toGPUCopyExternalImageDestInfo,
  toGPUCopyExternalImageSourceInfo,
  toGPUExtent3D,
} from "./gen/dictionaries.ts";
import type { Records } from "./records.ts";
import { isObject } from "./webidl.ts";

// GPUQueue.copyExternalImageToTexture: the image is read and converted here, and written as texels.

/** RGBA of 8 bits, sRGB, not premultiplied, rows from the top. */
export type Pixels = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
};

type Area = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

type Context2D = {
  drawImage(image: object, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): Pixels;
};

type PageGlobals = {
  readonly OffscreenCanvas?: new (
    width: number,
    height: number,
  ) => { getContext(kind: "2d"): Context2D | null };
};

export function copyExternalImage(
  queue: Records["GPUQueue"],
  source: unknown,
  destination: unknown,
  copySize: unknown,
): void {
  const from = toGPUCopyExternalImageSourceInfo(source);
  const to = toGPUCopyExternalImageDestInfo(destination, []);
  const extent = toGPUExtent3D(copySize);
  const { width, height = 1, depthOrArrayLayers = 1 } = extent;
  const { x = 0, y = 0 } = from.origin ?? {};
  const size = imageSize(from.source);
  if (x + width > size.width || y + height > size.height || depthOrArrayLayers > 1) {
    throw new DOMException(
      `The copy (${width} x ${height} x ${depthOrArrayLayers} from ${x}, ${y}) is outside the image (${size.width} x ${size.height}).`,
      "OperationError",
    );
  }
  const { colorSpace, premultipliedAlpha, ...target } = to;
  const { format } = target.texture.shape;
  const isEmpty = width === 0 || height === 0 || depthOrArrayLayers === 0;
  if (isEmpty || !isCopyFormat(format)) {
    // Without data: the worker finds the other mistakes, or that the format cannot be copied to.
    return writeTexels(queue, target, new Uint8Array(0), 0, extent);
  }
  const pixels = readPixels(from.source, { x, y, width, height });
  const { bytes, bytesPerRow } = convertTexels(pixels, format, {
    flipY: from.flipY,
    premultipliedAlpha,
    colorSpace,
  });
  writeTexels(queue, target, bytes, bytesPerRow, extent);
}

function writeTexels(
  { stream, device }: Records["GPUQueue"],
  destination: GPUTexelCopyTextureInfo<Records>,
  bytes: Uint8Array,
  bytesPerRow: number,
  extent: { readonly width: number },
): void {
  stream.useDevice(device);
  stream.recordData(bytes, (writer, data) =>
    writeQueueWriteTexture(writer, destination, data, { bytesPerRow }, extent),
  );
}

/** An image's own size: the attributes `width` and `height` of an element may say another. */
function imageSize(source: object): { readonly width: number; readonly height: number } {
  const sides = [
    ["naturalWidth", "naturalHeight"],
    ["videoWidth", "videoHeight"],
    ["displayWidth", "displayHeight"],
    ["width", "height"],
  ] as const;
  for (const [across, down] of sides) {
    const width: unknown = Reflect.get(source, across);
    const height: unknown = Reflect.get(source, down);
    if (typeof width === "number" && typeof height === "number") return { width, height };
  }
  throw new TypeError("The source has no width and height: it is no image.");
}

function readPixels(source: object, area: Area): Pixels {
  if (isPixels(source)) return cutPixels(source, area);
  const context = ownContext(source) ?? drawnContext(source, imageSize(source));
  return context.getImageData(area.x, area.y, area.width, area.height);
}

function isPixels(source: object): source is Pixels {
  return "data" in source && source.data instanceof Uint8ClampedArray;
}

function cutPixels(pixels: Pixels, { x, y, width, height }: Area): Pixels {
  if (x === 0 && width === pixels.width) {
    const rowBytes = width * 4;
    return { width, height, data: pixels.data.subarray(y * rowBytes, (y + height) * rowBytes) };
  }
  const data = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * pixels.width + x) * 4;
    data.set(pixels.data.subarray(start, start + width * 4), row * width * 4);
  }
  return { width, height, data };
}

/** The 2D context of a canvas that has one or can get one. */
function ownContext(source: object): Context2D | undefined {
  if (!("getContext" in source) || typeof source.getContext !== "function") return undefined;
  const context: unknown = Reflect.apply(source.getContext, source, ["2d"]);
  return isObject(context) ? (context as Context2D) : undefined;
}

/** The image drawn to a canvas of the page, as the page's own program would read its pixels. */
function drawnContext(
  source: object,
  { width, height }: { readonly width: number; readonly height: number },
): Context2D {
  const { OffscreenCanvas } = globalThis as PageGlobals;
  const context = OffscreenCanvas && new OffscreenCanvas(width, height).getContext("2d");
  if (!context) {
    throw new DOMException("Nothing here can read the image's pixels.", "InvalidStateError");
  }
  context.drawImage(source, 0, 0);
  return context;
}
