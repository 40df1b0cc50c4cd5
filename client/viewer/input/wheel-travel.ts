import { MAX_WHEEL_DELTA } from "#shared/input/codec.ts";

/** What a line is in CSS pixels, for browsers that report wheel travel in lines. */
const LINE_PIXELS = 16;

export type WheelTravel = {
  readonly deltaX: number;
  readonly deltaY: number;
  /** UI Events `deltaMode`: 0 pixels, 1 lines, 2 pages. */
  readonly deltaMode: number;
};

/** Wheel travel in CSS pixels; `page` is the size of the picture on the page. */
export function wheelPixels(
  travel: WheelTravel,
  page: { readonly width: number; readonly height: number },
): { readonly deltaX: number; readonly deltaY: number } {
  const [unitX, unitY] =
    travel.deltaMode === 1
      ? [LINE_PIXELS, LINE_PIXELS]
      : travel.deltaMode === 2
        ? [page.width, page.height]
        : [1, 1];
  return { deltaX: bounded(travel.deltaX * unitX), deltaY: bounded(travel.deltaY * unitY) };
}

function bounded(pixels: number): number {
  return Math.min(Math.max(pixels, -MAX_WHEEL_DELTA), MAX_WHEEL_DELTA);
}
