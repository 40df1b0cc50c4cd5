import { expect, test } from "vitest";
import { lowerBounds } from "#server/player/lower-bounds.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";

test("bounds at the defaults and below them stay", () => {
  expect(lowerBounds(DEFAULT_BOUNDS)).toEqual({ bounds: DEFAULT_BOUNDS, lowered: [] });
  const less = { ...DEFAULT_BOUNDS, gpuMemoryMb: 16, objects: 1 };
  expect(lowerBounds(less)).toEqual({ bounds: less, lowered: [] });
});

test.for(Object.entries(DEFAULT_BOUNDS))(
  "%s, one more than %i, is lowered to it, and told",
  ([name, most]) => {
    const more = most + 1;
    expect(lowerBounds({ ...DEFAULT_BOUNDS, [name]: more })).toEqual({
      bounds: DEFAULT_BOUNDS,
      lowered: [`${name} (${more})`],
    });
  },
);
