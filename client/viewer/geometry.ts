// Where the picture stands on the page, and where on the picture a point of the page is. No DOM here.

export type Size = { readonly width: number; readonly height: number };
export type Point = { readonly x: number; readonly y: number };
/** In CSS pixels. */
export type Rectangle = Point & Size;

/** A scale that a person does not miss. */
const NEARLY_ITS_SIZE = 1.01;

/**
 * Places a picture (in its own pixels) on a stage (in CSS pixels): as large as fits, its aspect kept,
 * centred, on whole device pixels. A picture that misses the stage by a pixel, as an even-sized
 * one on an odd-sized stage does, is shown at its own size: scaling it by so little would only blur it.
 */
export function placePicture(stage: Size, picture: Size, devicePixelRatio: number): Rectangle {
  if (picture.width <= 0 || picture.height <= 0) return { x: 0, y: 0, width: 0, height: 0 };
  const stageWidth = Math.floor(stage.width * devicePixelRatio + 1e-3);
  const stageHeight = Math.floor(stage.height * devicePixelRatio + 1e-3);
  let scale = Math.min(stageWidth / picture.width, stageHeight / picture.height);
  const spare = Math.min(stageWidth - picture.width, stageHeight - picture.height);
  if (spare >= 0 && spare <= 1 && scale < NEARLY_ITS_SIZE) scale = 1;
  const width = Math.round(picture.width * scale);
  const height = Math.round(picture.height * scale);
  return {
    x: Math.floor((stageWidth - width) / 2) / devicePixelRatio,
    y: Math.floor((stageHeight - height) / 2) / devicePixelRatio,
    width: width / devicePixelRatio,
    height: height / devicePixelRatio,
  };
}

/** A point on the stage as fractions of the picture; outside of it the nearest point of its edge. */
export function toPicture(point: Point, placed: Rectangle): Point {
  return {
    x: fraction(point.x - placed.x, placed.width),
    y: fraction(point.y - placed.y, placed.height),
  };
}

export function isInside(point: Point, placed: Rectangle): boolean {
  return (
    point.x >= placed.x &&
    point.y >= placed.y &&
    point.x < placed.x + placed.width &&
    point.y < placed.y + placed.height
  );
}

/** The size to ask a guest for: whole device pixels, even as H.264 wants them, at least 2, at most `most`. */
export function sizeToAsk(devicePixels: Size, most: number): Size {
  const even = (length: number): number =>
    Math.min(Math.max(2, Math.floor(length / 2 + 1e-3) * 2), most);
  return { width: even(devicePixels.width), height: even(devicePixels.height) };
}

function fraction(offset: number, length: number): number {
  return length > 0 ? Math.min(Math.max(offset / length, 0), 1) : 0;
}
