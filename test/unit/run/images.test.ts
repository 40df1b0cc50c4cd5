import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createCanvas } from "@napi-rs/canvas";
import { afterAll, describe, expect, test } from "vitest";
import { call, contextOf, globalClass, installTestPage } from "./page.ts";

const folder = await mkdtemp(path.join(tmpdir(), "heliograph-images-"));
afterAll(() => rm(folder, { recursive: true }));

// Two by two: red, green over blue, white.
const COLOURS = [
  [255, 0, 0, 255],
  [0, 255, 0, 255],
  [0, 0, 255, 255],
  [255, 255, 255, 255],
] as const;
const [RED, GREEN, BLUE, WHITE] = COLOURS;

const picture = createCanvas(2, 2);
for (const [index, [red, green, blue]] of COLOURS.entries()) {
  picture.getContext("2d").fillStyle = `rgb(${red} ${green} ${blue})`;
  picture.getContext("2d").fillRect(index % 2, index >> 1, 1, 1);
}
const png = picture.toBuffer("image/png");
await writeFile(path.join(folder, "picture.png"), png);
await writeFile(path.join(folder, "noise.png"), "no picture");

const { contexts, dom } = installTestPage(undefined, pathToFileURL(path.join(folder, "app.js")));
const { document, Image } = dom.window;

function pixelsOf(source: object): number[][] {
  const { data } = dom.pixelsOf(source) ?? { data: [] };
  return Array.from({ length: data.length / 4 }, (_, index) =>
    Array.from(data.slice(index * 4, index * 4 + 4)),
  );
}

function load(src: string) {
  const image = new Image();
  return new Promise<{ image: typeof image; event: string }>((resolve) => {
    image.addEventListener("load", () => resolve({ image, event: "load" }));
    image.addEventListener("error", () => resolve({ image, event: "error" }));
    image.src = src;
  });
}

test.for([
  { from: "a file beside the program", src: "picture.png" },
  { from: "a file URL", src: pathToFileURL(path.join(folder, "picture.png")).href },
  { from: "a data URL", src: `data:image/png;base64,${png.toString("base64")}` },
  { from: "a blob URL", src: URL.createObjectURL(new Blob([new Uint8Array(png)])) },
])("an image loads from $from", async ({ src }) => {
  const { image, event } = await load(src);
  expect(event).toBe("load");
  expect(image).toMatchObject({ complete: true, naturalWidth: 2, naturalHeight: 2, width: 2 });
  expect(pixelsOf(image)).toEqual(COLOURS);
});

test.for([
  { why: "is not there", src: "nothing.png" },
  { why: "is no picture", src: "noise.png" },
])("an image that $why fires error, and its decode() rejects", async ({ src }) => {
  const { image, event } = await load(src);
  expect(event).toBe("error");
  await expect(image.decode()).rejects.toThrow(/noise|nothing/);
  expect(dom.pixelsOf(image)).toBeUndefined();
});

describe("createImageBitmap", () => {
  const blob = new Blob([new Uint8Array(png)]);
  test.for([
    { how: "as it is", rest: [], size: [2, 2], pixels: COLOURS },
    {
      how: "upside down",
      rest: [{ imageOrientation: "flipY" }],
      size: [2, 2],
      pixels: [BLUE, WHITE, RED, GREEN],
    },
    { how: "cropped", rest: [1, 0, 1, 2], size: [1, 2], pixels: [GREEN, WHITE] },
    {
      how: "enlarged",
      rest: [1, 1, 1, 1, { resizeWidth: 2, resizeHeight: 1, resizeQuality: "pixelated" }],
      size: [2, 1],
      pixels: [WHITE, WHITE],
    },
  ] as const)("takes a blob $how", async ({ rest, size, pixels }) => {
    const bitmap = await Reflect.apply(createImageBitmap, undefined, [blob, ...rest]);
    expect([bitmap.width, bitmap.height]).toEqual(size);
    expect(pixelsOf(bitmap)).toEqual(pixels);
    bitmap.close();
    expect([bitmap.width, bitmap.height, dom.pixelsOf(bitmap)]).toEqual([0, 0, undefined]);
  });

  test("refuses what has no picture", async () => {
    const source = document.createElement("img");
    await expect(Reflect.apply(createImageBitmap, undefined, [source])).rejects.toThrow(
      /no picture/,
    );
  });
});

describe("a 2D canvas", () => {
  test("draws images, and its pixels can be read", async () => {
    const { image } = await load("picture.png");
    const canvas = document.createElement("canvas");
    canvas.width = 2;
    canvas.height = 2;
    const context = call(canvas, "getContext", "2d");
    expect(context).toMatchObject({ canvas });
    if (typeof context === "object" && context !== null) call(context, "drawImage", image, 0, 0);
    expect(pixelsOf(canvas)).toEqual(COLOURS);
    expect(canvas.toDataURL()).toMatch(/^data:image\/png;base64,/);
    canvas.width = 2;
    expect(pixelsOf(canvas)).toEqual(COLOURS.map(() => [0, 0, 0, 0]));
  });

  test.for([
    { name: "CanvasRenderingContext2D", make: (context: object) => context },
    { name: "ImageData", make: (context: object) => call(context, "getImageData", 0, 0, 1, 1) },
    { name: "ImageData", make: (context: object) => call(context, "createImageData", 1, 1) },
    {
      name: "CanvasGradient",
      make: (context: object) => call(context, "createLinearGradient", 0, 0, 1, 1),
    },
    {
      name: "CanvasPattern",
      make: (context: object) =>
        call(context, "createPattern", new ImageData(new Uint8ClampedArray(4), 1, 1), "repeat"),
    },
    { name: "Path2D", make: () => Reflect.construct(globalClass("Path2D"), ["M0 0L1 1"]) },
  ])("and what it makes are instances of the page's classes: $name", ({ name, make }) => {
    for (const canvas of [document.createElement("canvas"), new dom.window.OffscreenCanvas(1, 1)]) {
      const context = contextOf(canvas, "2d");
      expect(make(context)).toBeInstanceOf(globalClass(name));
    }
  });

  test("takes image data that the program made", () => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = contextOf(canvas, "2d");
    const data = new ImageData(new Uint8ClampedArray(GREEN), 1, 1);
    call(context, "putImageData", data, 0, 0);
    expect(pixelsOf(canvas)).toEqual([GREEN]);
  });

  test("has one context, of the kind asked for first", () => {
    const canvas = document.createElement("canvas");
    const ask = (kind: string) => call(canvas, "getContext", kind);
    const context = ask("2d");
    expect(context).not.toBeNull();
    expect(ask("2d")).toBe(context);
    expect(ask("webgpu")).toBeNull();
    expect(ask("webgl2")).toBeNull();
  });
});

const element = () => document.createElement("canvas");
const offscreen = () => new dom.window.OffscreenCanvas(1, 1);

/** Gives a canvas one pixel, drawn on the GPU host. */
function remote<T extends object>(canvas: T): T {
  Object.assign(canvas, { width: 1, height: 1 });
  contextOf(canvas, "webgpu");
  return canvas;
}

async function decoded(blob: unknown): Promise<number[][]> {
  expect(blob).toBeInstanceOf(Blob);
  return pixelsOf(await Reflect.apply(createImageBitmap, undefined, [blob]));
}

/** Of the last canvases that took a WebGPU context, which are visible. */
function visible(count: number): boolean[] {
  return contexts.slice(-count).map((context) => context.isVisible());
}

describe("a WebGPU canvas", () => {
  // What the page says that each shows.
  const SHOWN = [[255, 128, 0, 255]];

  test("gives its picture to toBlob", async () => {
    const blob = await new Promise((resolve) => call(remote(element()), "toBlob", resolve));
    expect(await decoded(blob)).toEqual(SHOWN);
  });

  test("gives its picture to convertToBlob", async () => {
    expect(await decoded(await call(remote(offscreen()), "convertToBlob"))).toEqual(SHOWN);
  });

  test.for([element, offscreen])("gives its picture to createImageBitmap: %o", async (make) => {
    const bitmap = await Reflect.apply(createImageBitmap, undefined, [remote(make())]);
    expect(pixelsOf(bitmap)).toEqual(SHOWN);
  });

  test.for([
    { what: "toDataURL", ask: () => call(remote(element()), "toDataURL") },
    {
      what: "transferToImageBitmap",
      ask: () => call(remote(offscreen()), "transferToImageBitmap"),
    },
    {
      what: "drawImage",
      ask: () => {
        return call(contextOf(element(), "2d"), "drawImage", remote(element()), 0, 0);
      },
    },
  ])("says to $what, which cannot wait, what to use instead", ({ ask }) => {
    expect(ask).toThrow(/^The picture of a WebGPU canvas is on the GPU host.*toBlob.*mapAsync\.$/);
  });

  test("is seen if it is in the document, or if none is", () => {
    const first = remote(element());
    remote(element());
    remote(offscreen());
    expect(visible(3)).toEqual([true, true, true]);
    document.body.append(first);
    expect(visible(3)).toEqual([true, false, false]);
    first.remove();
    expect(visible(3)).toEqual([true, true, true]);
  });
});

test("a 2D canvas that was never drawn to is a picture of nothing", async () => {
  const empty = document.createElement("canvas");
  empty.width = empty.height = 1;
  const bitmap = await Reflect.apply(createImageBitmap, undefined, [empty]);
  expect(pixelsOf(bitmap)).toEqual([[0, 0, 0, 0]]);
});

test("fetch and Request take what lies beside the program", async () => {
  const bytes = await (await fetch("picture.png")).bytes();
  expect(Buffer.from(bytes).equals(png)).toBe(true);
  const response = await fetch(new Request("./picture.png"));
  expect(response.headers.get("content-type")).toBe("image/png");
  await expect(fetch("nothing.png")).rejects.toThrow(TypeError);
});
