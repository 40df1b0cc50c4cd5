import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { PictureHash } from "#server/recording/format.ts";
import type { PresentedPicture } from "#server/replay/surface-host.ts";
import { MAX_UNREAD_PICTURES, RecordedSurfaces } from "#server/worker/recorded-surfaces.ts";

const { create } = await import("webgpu");
const gpu = create([]);
const adapter = await gpu.requestAdapter();
const device = await adapter!.requestDevice();
// Dawn crashes when its instance is collected while anything is outstanding.
process.once("exit", () => gpu);

/** Of a surface that is filled with one byte. An odd width, so that rows are padded in the copy. */
function picture(fill: number, { usage = 0x03, width = 5, height = 3 } = {}): PresentedPicture {
  const size = [width, height];
  const texture = device.createTexture({ size, format: "bgra8unorm", usage });
  const bytesPerRow = width * 4;
  const texels = new Uint8Array(bytesPerRow * height).fill(fill);
  if (usage === 0x03) device.queue.writeTexture({ texture }, texels, { bytesPerRow }, size);
  return {
    surface: { connection: 1, id: 9 },
    device,
    texture,
    width,
    height,
    format: "bgra8unorm",
    alphaMode: "opaque",
    colorSpace: "srgb",
    toneMapping: "standard",
    destroy: () => texture.destroy(),
  };
}

function recorded(): {
  surfaces: RecordedSurfaces;
  hashes: PictureHash[];
  pauses: Promise<unknown>[];
} {
  const hashes: PictureHash[] = [];
  const pauses: Promise<unknown>[] = [];
  const surfaces = new RecordedSurfaces({
    surfaces: {
      captureUsage: () => 0x01,
      present: async (presented) => presented.destroy(),
      release: () => {},
    },
    taken: (hash) => void hashes.push(hash),
    pause: (until) => pauses.push(until),
  });
  return { surfaces, hashes, pauses };
}

function sha256(fill: number): string {
  return createHash("sha256").update(new Uint8Array(60).fill(fill)).digest("hex");
}

test("a picture's hash is of its rows without padding, though it is destroyed at once", async () => {
  const { surfaces, hashes } = recorded();
  await surfaces.present(picture(7));
  await surfaces.present(picture(8));
  const place = { surface: 9, width: 5, height: 3, format: "bgra8unorm" };
  expect(hashes).toEqual([
    { number: 1, ...place, sha256: sha256(7) },
    { number: 2, ...place, sha256: sha256(8) },
  ]);
});

test("a picture that can't be read has a number and no hash, and no error is the program's", async () => {
  const { surfaces, hashes } = recorded();
  device.pushErrorScope("validation");
  await surfaces.present(picture(1, { usage: 0x10 }));
  await surfaces.present(picture(2));
  expect(await device.popErrorScope()).toBeNull();
  expect(hashes.map(({ number }) => number)).toEqual([2]);
});

test("so many pictures are read at once: the program waits for the oldest of as many", async () => {
  const { surfaces, hashes, pauses } = recorded();
  const presented: Promise<void>[] = [];
  for (let at = 1; at < MAX_UNREAD_PICTURES; at++) presented.push(surfaces.present(picture(at)));
  expect(pauses).toHaveLength(0);
  presented.push(surfaces.present(picture(99)));
  expect(pauses).toHaveLength(1);
  await pauses[0];
  expect(hashes).toContainEqual(expect.objectContaining({ number: 1 }));
  await surfaces.settled();
  expect(hashes).toHaveLength(MAX_UNREAD_PICTURES);
  await Promise.all(presented);
});
