import { describe, expect, test } from "vitest";
import { PictureBound, RESIZE_GRACE_MS } from "#server/worker/picture-bound.ts";

const LARGE = { width: 1280, height: 720 };
const SMALL = { width: 640, height: 360 };

describe("the bound of a picture", () => {
  test.for([
    { what: "of just its size", picture: LARGE, admitted: true },
    { what: "that is smaller", picture: SMALL, admitted: true },
    { what: "a pixel wider", picture: { ...LARGE, width: 1281 }, admitted: false },
    { what: "a pixel higher", picture: { ...LARGE, height: 721 }, admitted: false },
  ])("admits one $what: $admitted", ({ picture, admitted }) => {
    const bound = new PictureBound();
    expect(bound.admits(picture, 0)).toBe(true); // The control: there is none yet.
    bound.set(LARGE, 0);
    expect(bound.admits(picture, 0)).toBe(admitted);
  });

  test("that is lowered admits pictures of the one before until its program had time to resize", () => {
    const bound = new PictureBound();
    bound.set(LARGE, 0);
    bound.set(SMALL, 1000);
    bound.set(SMALL, 2000); // Told again, for another of the profile's bounds: nothing begins anew.
    const end = 1000 + RESIZE_GRACE_MS;
    expect(bound.admits(LARGE, end - 1)).toBe(true);
    expect(bound.admits({ ...LARGE, width: 1281 }, end - 1)).toBe(false);
    expect(bound.admits(LARGE, end)).toBe(false);
    expect(bound.admits(SMALL, end)).toBe(true);
  });

  test("that is raised counts at once", () => {
    const bound = new PictureBound();
    bound.set(SMALL, 0);
    bound.set(LARGE, 1);
    expect(bound.admits(LARGE, 1)).toBe(true);
  });
});
