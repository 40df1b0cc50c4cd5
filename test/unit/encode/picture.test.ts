import { expect, test } from "vitest";
import { ColorConverter } from "#server/encode/color-converter.ts";
import { Picture, type PixelLayout } from "#server/encode/picture.ts";

test.each([
  { layout: "rgba", width: 30, height: 10, pitch: 256, bytes: 2560 },
  { layout: "bgra", width: 66, height: 2, pitch: 512, bytes: 1024 },
  { layout: "i420", width: 130, height: 4, pitch: 256, bytes: 1536 },
  { layout: "nv12", width: 128, height: 4, pitch: 128, bytes: 768 },
] as const)(
  "a picture of $layout takes its planes' bytes and knows them again",
  ({ layout, width, height, pitch, bytes }) => {
    using picture = new Picture(layout, width, height, pitch);
    expect(picture.byteLength).toBe(bytes);
    const content = Uint8Array.from({ length: bytes }, (_, i) => (i * 7) & 255);
    picture.write(content);
    expect(picture.equals(content)).toBe(true);
    for (const at of [0, bytes >> 1, bytes - 1]) {
      const other = content.slice();
      other[at]! ^= 1;
      expect(picture.equals(other), `byte ${at}`).toBe(false);
    }
    expect(() => picture.write(content.subarray(1))).toThrow(/not as many as its planes take/);
    picture.close();
    picture.close();
  },
);

test.each([
  { layout: "rgba", width: 31, height: 10, pitch: 256 },
  { layout: "rgba", width: 30, height: 9, pitch: 256 },
  { layout: "i420", width: 64, height: 10, pitch: 64 },
] satisfies { layout: PixelLayout; width: number; height: number; pitch: number }[])(
  "a picture of $layout, $width by $height with rows of $pitch bytes is refused",
  ({ layout, width, height, pitch }) => {
    expect(() => new Picture(layout, width, height, pitch)).toThrow(/is not aligned/);
  },
);

test("a converter converts one picture at a time, and none when closed", async () => {
  using from = new Picture("rgba", 64, 64, 256);
  using to = new Picture("nv12", 64, 64, 128);
  from.write(new Uint8Array(from.byteLength).fill(255));
  const converter = new ColorConverter();
  const converting = converter.convert(from, to);
  await expect(converter.convert(from, to)).rejects.toThrow(/busy/);
  converter.close();
  await converting;
  const white = new Uint8Array(to.byteLength);
  for (let y = 0; y < 64; y++) white.fill(235, y * 128, y * 128 + 64);
  for (let y = 64; y < 96; y++) white.fill(128, y * 128, y * 128 + 64);
  const written = to.frame.data!.map((plane) => plane);
  expect([...written[0]!.subarray(0, 64)]).toEqual([...white.subarray(0, 64)]);
  expect([...written[1]!.subarray(0, 64)]).toEqual([...white.subarray(64 * 128, 64 * 128 + 64)]);
  converter.close();
  await expect(converter.convert(from, to)).rejects.toThrow(/closed/);
});
