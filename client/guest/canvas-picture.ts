import { GPUBufferUsage, GPUMapMode } from "./flags.ts";
import { fromHalfBits } from "./half-float.ts";

// What a canvas shows, for toBlob, createImageBitmap and such:
// https://www.w3.org/TR/webgpu/#abstract-opdef-get-a-copy-of-the-image-contents-of-a-context. The worker adds
// COPY_SRC to the usage of each canvas texture, so that it can be copied from whatever the program asked for.

/** RGBA of 8 bits, not premultiplied, rows from the top. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
};

/** copyTextureToBuffer wants rows that begin at multiples of this. */
const ROW_ALIGNMENT = 256;

/** A canvas of this size that shows nothing. */
export function blankPicture(width: number, height: number): Picture {
  return { width, height, data: new Uint8ClampedArray(width * height * 4) };
}

/** Copies the texture as it is at this point of the stream. Rejects with mapAsync's errors. */
export async function readPicture(
  device: GPUDevice,
  texture: GPUTexture,
  alphaMode: GPUCanvasAlphaMode,
): Promise<Picture> {
  const { width, height, format } = texture;
  const texelBytes = format === "rgba16float" ? 8 : 4;
  const bytesPerRow = Math.ceil((width * texelBytes) / ROW_ALIGNMENT) * ROW_ALIGNMENT;
  const buffer = device.createBuffer({
    size: bytesPerRow * height,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
  device.queue.submit([encoder.finish()]);
  try {
    await buffer.mapAsync(GPUMapMode.READ);
    const texels = new DataView(buffer.getMappedRange());
    const picture = blankPicture(width, height);
    const read =
      format === "rgba16float" ? readHalf : format === "bgra8unorm" ? readBgra : readRgba;
    for (let at = 0; at < width * height; at += 1) {
      const from = Math.floor(at / width) * bytesPerRow + (at % width) * texelBytes;
      writePixel(picture.data, at * 4, read(texels, from), alphaMode);
    }
    return picture;
  } finally {
    buffer.destroy();
  }
}

type Color = readonly [red: number, green: number, blue: number, alpha: number];

function readRgba(texels: DataView, at: number): Color {
  const value = texels.getUint32(at, true);
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

function readBgra(texels: DataView, at: number): Color {
  const [blue, green, red, alpha] = readRgba(texels, at);
  return [red, green, blue, alpha];
}

function readHalf(texels: DataView, at: number): Color {
  const channel = (index: number) => fromHalfBits(texels.getUint16(at + index * 2, true)) * 255;
  return [channel(0), channel(1), channel(2), channel(3)];
}

/** A premultiplied colour is undone; an opaque canvas's alpha is 1 whatever was drawn. */
function writePixel(
  pixels: Uint8ClampedArray,
  at: number,
  [red, green, blue, alpha]: Color,
  alphaMode: GPUCanvasAlphaMode,
): void {
  const isOpaque = alphaMode === "opaque";
  const scale = isOpaque ? 1 : alpha > 0 ? 255 / alpha : 0;
  pixels[at] = red * scale;
  pixels[at + 1] = green * scale;
  pixels[at + 2] = blue * scale;
  pixels[at + 3] = isOpaque ? 255 : alpha;
}
