import { expect, test } from "vitest";
import { boundedSize, encodeResize } from "#server/session/picture-size.ts";

const bounds = {
  minSize: { width: 160, height: 120 },
  maxSize: { width: 1920, height: 1080 },
};

test.for([
  { why: "inside the bounds", wish: [1280, 720], size: [1280, 720] },
  { why: "with odd sides", wish: [1281, 719], size: [1280, 718] },
  { why: "at the largest", wish: [1920, 1080], size: [1920, 1080] },
  { why: "one over, which scales both sides", wish: [1921, 1080], size: [1920, 1078] },
  { why: "twice too large, in its shape", wish: [3840, 2160], size: [1920, 1080] },
  { why: "too tall, in its shape", wish: [1080, 2160], size: [540, 1080] },
  { why: "at the smallest", wish: [160, 120], size: [160, 120] },
  { why: "one under", wish: [159, 119], size: [160, 120] },
])("a window $why gives $size", ({ wish: [width, height], size }) => {
  const wish = { type: "resize", width: width!, height: height!, devicePixelRatio: 2 } as const;
  const bounded = boundedSize(wish, bounds);
  expect([bounded.width, bounded.height]).toEqual(size);
});

test("a window that is scaled down has as many CSS pixels as before", () => {
  const wish = { type: "resize", width: 3840, height: 2160, devicePixelRatio: 2 } as const;
  expect(boundedSize(wish, bounds)).toEqual({ width: 1920, height: 1080, devicePixelRatio: 1 });
});

test("a size travels as two u16 and an f32", () => {
  const bytes = encodeResize({ width: 1280, height: 720, devicePixelRatio: 1.5 });
  expect(Buffer.from(bytes).toString("hex")).toBe("0005d0020000c03f");
});
