export type PictureSize = {
  readonly width: number;
  readonly height: number;
  readonly devicePixelRatio: number;
};

type Bounds = {
  readonly minSize: { readonly width: number; readonly height: number };
  readonly maxSize: { readonly width: number; readonly height: number };
};

/**
 * What the program gets of what the viewer wants: inside the bounds, of the wanted shape, with even
 * sides (4:2:0 video has no odd ones).
 */
export function boundedSize(wish: PictureSize, { minSize, maxSize }: Bounds): PictureSize {
  // A window larger than the bounds is scaled down as a whole; one bound alone would distort it.
  const scale = Math.min(1, maxSize.width / wish.width, maxSize.height / wish.height);
  const side = (wanted: number, low: number, high: number) =>
    Math.min(high, Math.max(low, Math.floor((wanted * scale) / 2) * 2));
  return {
    width: side(wish.width, minSize.width, maxSize.width),
    height: side(wish.height, minSize.height, maxSize.height),
    devicePixelRatio: wish.devicePixelRatio * scale,
  };
}

/** The payload of the down frame `resize`. */
export function encodeResize(size: PictureSize): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt16LE(size.width, 0);
  bytes.writeUInt16LE(size.height, 2);
  bytes.writeFloatLE(size.devicePixelRatio, 4);
  return bytes;
}
