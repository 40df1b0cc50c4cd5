import { bytesPerTexel } from "#server/capture/texels.ts";
import type { PictureHash } from "#server/recording/format.ts";
import { PlayerError } from "./player-error.ts";
import type { PlayedPicture } from "./player.ts";

type Format = PictureHash["format"];

/** One picture's texels. Bounds the player's memory; 4096 by 4096 half floats are as many. */
export const MAX_TEXEL_BYTES = 128 * 1024 * 1024;

/** How many bytes a picture's texels take. Throws PlayerError over the limit. */
export function texelBytes({ number, width, height, format }: PictureHash): number {
  const bytes = width * height * bytesPerTexel(format);
  if (bytes <= MAX_TEXEL_BYTES) return bytes;
  throw new PlayerError(
    `Picture ${number} (${width} by ${height}) takes ${bytes} bytes, over the limit (${MAX_TEXEL_BYTES}): play it without --frames and --video.`,
  );
}

/** RGBA of 8 bits, rows from the top, opaque: a canvas is shown on black, where premultiplied colours look as they are. */
export function toRgba({ hash, texels }: PlayedPicture): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(hash.width * hash.height * 4);
  convert(hash.format, texels, rgba);
  for (let at = 3; at < rgba.length; at += 4) rgba[at] = 255;
  return rgba;
}

function convert(format: Format, texels: Uint8Array, rgba: Uint8ClampedArray): void {
  switch (format) {
    case "rgba8unorm":
      rgba.set(texels);
      return;
    case "bgra8unorm":
      for (let at = 0; at < rgba.length; at += 4) {
        rgba[at] = texels[at + 2] ?? 0;
        rgba[at + 1] = texels[at + 1] ?? 0;
        rgba[at + 2] = texels[at] ?? 0;
      }
      return;
    case "rgba16float": {
      // What is brighter than white is cut off.
      const view = new DataView(texels.buffer, texels.byteOffset, texels.byteLength);
      for (let at = 0; at < rgba.length; at++) rgba[at] = half(view.getUint16(at * 2, true)) * 255;
      return;
    }
    default:
      format satisfies never;
  }
}

/** An IEEE 754 half. */
function half(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : 0;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
