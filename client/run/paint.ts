import { createRequire } from "node:module";
import type { Canvas, Image, ImageData, SKRSContext2D } from "@napi-rs/canvas";

type NapiCanvas = typeof import("@napi-rs/canvas");

/** A canvas of the page: an element or an offscreen one. */
export type PageCanvas = object & { width: number; height: number };

/** RGBA, not premultiplied, sRGB, rows from the top. */
export type Pixels = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
};

/** The page's ImageData class. */
type ImageDataClass = new (data: Uint8ClampedArray, width: number, height: number) => Pixels;

const load: (name: "@napi-rs/canvas") => NapiCanvas = createRequire(import.meta.url);

/**
 * What a page's 2D canvases and images look like: behind each stands a canvas or image of
 * @napi-rs/canvas. That library is loaded at first use: a program without images needs no native part.
 */
export class Paint {
  readonly #canvases = new WeakMap<object, Canvas>();
  readonly #contexts = new WeakMap<object, SKRSContext2D>();
  readonly #images = new WeakMap<object, Image | Canvas>();
  readonly #remote = new WeakMap<object, () => Promise<Pixels>>();
  readonly #ImageData: ImageDataClass;
  #napi: NapiCanvas | undefined;

  constructor(imageData: ImageDataClass) {
    this.#ImageData = imageData;
  }

  get napi(): NapiCanvas {
    this.#napi ??= load("@napi-rs/canvas");
    return this.#napi;
  }

  /** The canvas is drawn on the GPU host from now on; `read` gives what it shows when it is called. */
  setRemote(canvas: PageCanvas, read: () => Promise<Pixels>): void {
    this.#remote.set(canvas, read);
  }

  isRemote(source: object): boolean {
    return this.#remote.has(source);
  }

  /** What a remote canvas shows now. Rejects when its device is lost. */
  async readRemote(canvas: object): Promise<Canvas> {
    return this.#canvasOfPixels(await this.#remote.get(canvas)!());
  }

  /**
   * The picture behind a page's canvas, made at first use in the canvas's size. Throws for one that is drawn on the GPU
   * host, since nothing waits for the host on the program's thread.
   */
  canvasOf(canvas: PageCanvas): Canvas {
    if (this.isRemote(canvas)) {
      throw new DOMException(
        "The picture of a WebGPU canvas is on the GPU host and comes later: ask for it by toBlob, convertToBlob or " +
          "createImageBitmap, or copy its texture to a buffer and await mapAsync.",
        "NotSupportedError",
      );
    }
    let backing = this.#canvases.get(canvas);
    if (backing === undefined) {
      backing = this.napi.createCanvas(canvas.width, canvas.height);
      this.#canvases.set(canvas, backing);
    }
    return backing;
  }

  /** The page set the canvas's width or height, which clears the canvas even when nothing changed. */
  resized(canvas: PageCanvas): void {
    const backing = this.#canvases.get(canvas);
    if (backing === undefined) return;
    backing.width = canvas.width;
    backing.height = canvas.height;
  }

  /** The canvas's 2D context, which takes the page's own images, canvases and image data. */
  contextOf(canvas: PageCanvas): SKRSContext2D {
    let context = this.#contexts.get(canvas);
    if (context !== undefined) return context;
    context = this.canvasOf(canvas).getContext("2d");
    this.#contexts.set(canvas, context);
    Object.defineProperty(context, "canvas", { value: canvas });
    convertFirst(context, "drawImage", (source) => this.pictureOf(source) ?? source);
    convertFirst(context, "createPattern", (source) => this.pictureOf(source) ?? source);
    convertFirst(context, "putImageData", (source) =>
      isPixels(source) ? this.#imageData(source) : source,
    );
    convertAfter(context, "getImageData", this.#ImageData);
    convertAfter(context, "createImageData", this.#ImageData);
    return context;
  }

  /** Gives an image of the page its decoded picture. */
  setImage(image: object, picture: Image | Canvas): void {
    this.#images.set(image, picture);
  }

  dropImage(image: object): void {
    this.#images.delete(image);
  }

  /** The picture behind an image, a canvas or image data of the page; absent if it has none. Throws as canvasOf. */
  pictureOf(source: object): Image | Canvas | undefined {
    if (isPixels(source)) return this.#canvasOfPixels(source);
    return this.#images.get(source) ?? (isCanvas(source) ? this.canvasOf(source) : undefined);
  }

  /** The pixels of an image, a canvas or image data of the page; absent if it has none. */
  pixelsOf(source: object): Pixels | undefined {
    if (isPixels(source)) return source;
    const picture = this.pictureOf(source);
    if (picture === undefined || picture.width === 0 || picture.height === 0) return undefined;
    const { width, height } = picture;
    const { data } = this.#toCanvas(picture).getContext("2d").getImageData(0, 0, width, height);
    return { width, height, data };
  }

  #canvasOfPixels(source: Pixels): Canvas {
    const canvas = this.napi.createCanvas(source.width, source.height);
    canvas.getContext("2d").putImageData(this.#imageData(source), 0, 0);
    return canvas;
  }

  #imageData(pixels: Pixels): ImageData {
    if (pixels instanceof this.napi.ImageData) return pixels;
    return new this.napi.ImageData(pixels.data, pixels.width, pixels.height);
  }

  #toCanvas(picture: Image | Canvas): Canvas {
    if (picture instanceof this.napi.Canvas) return picture;
    const canvas = this.napi.createCanvas(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return canvas;
  }
}

/** Makes a method of the context take what the page has for what @napi-rs/canvas has. */
function convertFirst(
  context: SKRSContext2D,
  name: "drawImage" | "createPattern" | "putImageData",
  convert: (source: object) => object,
): void {
  const method: (...rest: never[]) => unknown = context[name];
  Object.defineProperty(context, name, {
    value: (source: object, ...rest: unknown[]) =>
      Reflect.apply(method, context, [convert(source), ...rest]),
  });
}

/** Makes a method of the context give image data of the page's class. */
function convertAfter(
  context: SKRSContext2D,
  name: "getImageData" | "createImageData",
  PageImageData: ImageDataClass,
): void {
  const method: (...rest: never[]) => Pixels = context[name];
  Object.defineProperty(context, name, {
    value: (...rest: unknown[]) => {
      const { data, width, height } = Reflect.apply(method, context, rest);
      return new PageImageData(data, width, height);
    },
  });
}

function isCanvas(source: object): source is PageCanvas {
  return "getContext" in source;
}

function isPixels(source: object): source is Pixels {
  return "data" in source && source.data instanceof Uint8ClampedArray;
}
