import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { isInside, placePicture, sizeToAsk, toPicture } from "#client/viewer/geometry.ts";

describe("placing a picture on the stage", () => {
  test.each([
    ["of the stage's size fills it", [1280, 720], [1280, 720], 1, [0, 0, 1280, 720]],
    ["smaller by far is scaled up", [1280, 720], [640, 360], 1, [0, 0, 1280, 720]],
    ["larger is scaled down", [640, 360], [1280, 720], 1, [0, 0, 640, 360]],
    ["that is too wide gets bars above and below", [400, 400], [800, 400], 1, [0, 100, 400, 200]],
    ["that is too high gets bars left and right", [400, 400], [400, 800], 1, [100, 0, 200, 400]],
    ["one pixel short keeps its own size", [1281, 721], [1280, 720], 1, [0, 0, 1280, 720]],
    ["two pixels short is scaled", [1282, 722], [1280, 720], 1, [0, 0, 1282, 721]],
    ["on a dense screen is measured there", [640, 360], [1280, 720], 2, [0, 0, 640, 360]],
    ["on a screen of 1.5 stands on whole pixels", [853, 480], [1278, 720], 1.5, [0, 0, 852, 480]],
    ["that has no size yet takes no room", [640, 360], [0, 0], 1, [0, 0, 0, 0]],
  ] as const)("%s", (_name, stage, picture, ratio, expected) => {
    const placed = placePicture(
      { width: stage[0], height: stage[1] },
      { width: picture[0], height: picture[1] },
      ratio,
    );
    expect([placed.x, placed.y, placed.width, placed.height]).toEqual(expected);
  });

  test("keeps a picture inside the stage and its aspect to a pixel, whatever the sizes", () => {
    const side = integer({ min: 100, max: 5_000 });
    assert(
      property(side, side, side, side, constantFrom(1, 1.25, 1.5, 2, 3), (w, h, pw, ph, ratio) => {
        const placed = placePicture({ width: w, height: h }, { width: pw, height: ph }, ratio);
        expect(placed.x).toBeGreaterThanOrEqual(0);
        expect(placed.y).toBeGreaterThanOrEqual(0);
        expect(placed.x + placed.width).toBeLessThanOrEqual(w + 1e-9);
        expect(placed.y + placed.height).toBeLessThanOrEqual(h + 1e-9);
        const fit = Math.min((w * ratio) / pw, (h * ratio) / ph);
        expect(Math.abs(placed.width * ratio - pw * fit)).toBeLessThanOrEqual(1 + fit + pw / 100);
        expect(Math.abs(placed.height * ratio - ph * fit)).toBeLessThanOrEqual(1 + fit + ph / 100);
      }),
    );
  });
});

describe("a point of the page on the picture", () => {
  const placed = { x: 100, y: 50, width: 400, height: 200 };

  test.each([
    ["the upper left corner", 100, 50, 0, 0, true],
    ["the middle", 300, 150, 0.5, 0.5, true],
    ["the last pixel", 499, 249, 399 / 400, 199 / 200, true],
    ["the lower right corner is just past it", 500, 250, 1, 1, false],
    ["the bar at the left maps to the edge", 40, 150, 0, 0.5, false],
    ["far below maps to the edge", 200, 9_000, 0.25, 1, false],
  ])("%s", (_name, x, y, fractionX, fractionY, inside) => {
    expect(toPicture({ x, y }, placed)).toEqual({ x: fractionX, y: fractionY });
    expect(isInside({ x, y }, placed)).toBe(inside);
  });

  test("is the corner while there is no picture, and never inside it", () => {
    const nowhere = { x: 0, y: 0, width: 0, height: 0 };
    expect(toPicture({ x: 10, y: 10 }, nowhere)).toEqual({ x: 0, y: 0 });
    expect(isInside({ x: 0, y: 0 }, nowhere)).toBe(false);
  });
});

describe("the size to ask a guest for", () => {
  test.each([
    ["an even size is taken as it is", [1280, 720], [1280, 720]],
    ["an odd size is rounded down to even", [1281, 721], [1280, 720]],
    ["a fraction of a pixel is left out", [1280.9, 719.99], [1280, 718]],
    ["nothing becomes the least picture", [0, 1], [2, 2]],
    ["the most is kept", [4_096, 4_096], [4_096, 4_096]],
    ["over the most is cut", [4_098, 9_000], [4_096, 4_096]],
  ] as const)("%s", (_name, [width, height], [askedWidth, askedHeight]) => {
    expect(sizeToAsk({ width, height }, 4_096)).toEqual({
      width: askedWidth,
      height: askedHeight,
    });
  });
});
