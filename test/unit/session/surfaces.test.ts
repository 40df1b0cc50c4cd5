import { expect, test } from "vitest";
import { MAX_SURFACES, Surfaces } from "#server/session/surfaces.ts";

const size = { width: 640, height: 360 };

test("the surface that got its picture or size last is visible", () => {
  const surfaces = new Surfaces();
  expect(surfaces.visible).toBeUndefined();
  surfaces.set(1, 1, size);
  surfaces.set(2, 1, size);
  expect(surfaces.visible).toMatchObject({ connection: 2 });
  surfaces.set(1, 1, { width: 320, height: 180 });
  expect(surfaces.visible).toEqual({
    connection: 1,
    surface: 1,
    size: { width: 320, height: 180 },
  });
});

test("when a surface or its connection goes, the one before is visible again", () => {
  const surfaces = new Surfaces();
  surfaces.set(1, 1, size);
  surfaces.set(1, 2, size);
  surfaces.set(2, 1, size);
  surfaces.set(2, 1, undefined);
  expect(surfaces.visible).toMatchObject({ connection: 1, surface: 2 });
  surfaces.connectionGone(1);
  expect(surfaces.visible).toBeUndefined();
});

test("there is room for the limit, and not for one more", () => {
  const surfaces = new Surfaces();
  for (let surface = 1; surface <= MAX_SURFACES; surface++) {
    expect(surfaces.set(1, surface, size)).toBe(true);
  }
  expect(surfaces.set(1, 1, size)).toBe(true);
  expect(surfaces.set(1, MAX_SURFACES + 1, size)).toBe(false);
});
