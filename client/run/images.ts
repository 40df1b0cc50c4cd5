import { EventTarget, HTMLImageElement } from "happy-dom";
import type { Canvas, Image } from "@napi-rs/canvas";
import type { PageCanvas, Paint } from "./paint.ts";

type BitmapOptions = {
  readonly imageOrientation?: "from-image" | "flipY" | "none";
  readonly resizeWidth?: number;
  readonly resizeHeight?: number;
  readonly resizeQuality?: "pixelated" | "low" | "medium" | "high";
};
type Rectangle = { x: number; y: number; width: number; height: number };

/** A decoded picture of a page, see https://html.spec.whatwg.org/#imagebitmap. */
export class ImageBitmap {
  readonly #paint: Paint;
  #width: number;
  #height: number;

  /** Only for createImageBitmap and transferToImageBitmap. Takes `picture` over. */
  constructor(paint: Paint, picture: Canvas) {
    this.#paint = paint;
    this.#width = picture.width;
    this.#height = picture.height;
    paint.setImage(this, picture);
  }

  get width(): number {
    return this.#width;
  }

  get height(): number {
    return this.#height;
  }

  close(): void {
    this.#paint.dropImage(this);
    this.#width = 0;
    this.#height = 0;
  }
}

/** The page's `createImageBitmap`. */
export function createImageBitmapFunction(paint: Paint) {
  return async function createImageBitmap(
    source: object,
    ...rest: readonly (number | BitmapOptions | undefined)[]
  ): Promise<ImageBitmap> {
    const picture = await snapshot(paint, source);
    const options = rest.find((argument) => typeof argument === "object") ?? {};
    const crop = cropOf(rest, picture);
    const width = options.resizeWidth ?? Math.abs(crop.width);
    const height = options.resizeHeight ?? Math.abs(crop.height);
    const canvas = paint.napi.createCanvas(width, height);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = options.resizeQuality !== "pixelated";
    if (options.imageOrientation === "flipY") context.setTransform(1, 0, 0, -1, 0, height);
    context.drawImage(picture, crop.x, crop.y, crop.width, crop.height, 0, 0, width, height);
    return new ImageBitmap(paint, canvas);
  };
}

async function snapshot(paint: Paint, source: object): Promise<Image | Canvas> {
  if (source instanceof Blob) return decode(paint, new Uint8Array(await source.arrayBuffer()));
  const picture = paint.isRemote(source) ? await paint.readRemote(source) : paint.pictureOf(source);
  if (picture === undefined) {
    throw new DOMException("The image source has no picture.", "InvalidStateError");
  }
  return picture;
}

function cropOf(rest: readonly unknown[], picture: { width: number; height: number }): Rectangle {
  const [x, y, width, height] = rest;
  if (typeof x !== "number") return { x: 0, y: 0, width: picture.width, height: picture.height };
  if (typeof y !== "number" || typeof width !== "number" || typeof height !== "number") {
    throw new TypeError("createImageBitmap takes a whole rectangle: x, y, width and height.");
  }
  return { x, y, width, height };
}

async function decode(paint: Paint, bytes: Uint8Array): Promise<Image> {
  try {
    return await paint.napi.loadImage(bytes);
  } catch (cause) {
    throw new DOMException("The image source cannot be decoded.", {
      name: "InvalidStateError",
      cause,
    });
  }
}

type OffscreenCanvasClass = new (
  width: number,
  height: number,
) => PageCanvas & {
  getContext(kind: string): object | null;
  convertToBlob(options?: { type?: string }): Promise<Blob>;
  transferToImageBitmap(): ImageBitmap;
};

/** An `OffscreenCanvas` class for a page; `getContext` is the page's own. */
export function createOffscreenCanvasClass(
  paint: Paint,
  getContext: (canvas: PageCanvas, kind: string) => object | null,
): OffscreenCanvasClass {
  return class OffscreenCanvas extends EventTarget {
    #width: number;
    #height: number;

    constructor(width: number, height: number) {
      super();
      this.#width = width;
      this.#height = height;
    }

    get width(): number {
      return this.#width;
    }

    set width(value: number) {
      this.#width = value;
      paint.resized(this);
    }

    get height(): number {
      return this.#height;
    }

    set height(value: number) {
      this.#height = value;
      paint.resized(this);
    }

    getContext(kind: string): object | null {
      return getContext(this, kind);
    }

    convertToBlob(options: { type?: string } = {}): Promise<Blob> {
      return encodeCanvas(paint, this, options.type);
    }

    transferToImageBitmap(): ImageBitmap {
      const picture = paint.canvasOf(this);
      const copy = paint.napi.createCanvas(this.#width, this.#height);
      copy.getContext("2d").drawImage(picture, 0, 0);
      paint.contextOf(this).clearRect(0, 0, this.#width, this.#height);
      return new ImageBitmap(paint, copy);
    }
  };
}

/** The canvas, as it is now, as an image file: what toBlob and convertToBlob give. */
export async function encodeCanvas(
  paint: Paint,
  canvas: PageCanvas,
  type = "image/png",
): Promise<Blob> {
  return paint.isRemote(canvas)
    ? encode(await paint.readRemote(canvas), type)
    : encode(paint.canvasOf(canvas), type);
}

function encode(picture: Canvas, type: string): Blob {
  switch (type) {
    case "image/jpeg":
      return new Blob([new Uint8Array(picture.toBuffer("image/jpeg"))], { type });
    case "image/webp":
      return new Blob([new Uint8Array(picture.toBuffer("image/webp"))], { type });
    default:
      return new Blob([new Uint8Array(picture.toBuffer("image/png"))], { type: "image/png" });
  }
}

type Loading = { src: string; complete: boolean; finished: Promise<void> };

/** Makes image elements load what their `src` names: files beside the program, data, blob and http URLs. */
export function installImageLoading(
  paint: Paint,
  base: URL,
  fetchBytes: typeof fetch,
  createEvent: (type: "load" | "error") => InstanceType<typeof import("happy-dom").Event>,
): void {
  const loadings = new WeakMap<HTMLImageElement, Loading>();

  async function load(image: HTMLImageElement, loading: Loading): Promise<void> {
    const isCurrent = (): boolean => loadings.get(image) === loading;
    try {
      const response = await fetchBytes(loading.src);
      if (!response.ok) throw new Error(`${loading.src} answers with ${response.status}.`);
      const picture = await decode(paint, new Uint8Array(await response.arrayBuffer()));
      if (!isCurrent()) return;
      paint.setImage(image, picture);
      loading.complete = true;
      image.dispatchEvent(createEvent("load"));
    } catch (cause) {
      if (!isCurrent()) return;
      loading.complete = true;
      image.dispatchEvent(createEvent("error"));
      throw new DOMException(`The image ${loading.src} cannot be loaded.`, {
        name: "EncodingError",
        cause,
      });
    }
  }

  const natural = (image: HTMLImageElement, side: "width" | "height"): number =>
    paint.pictureOf(image)?.[side] ?? 0;
  const shown = (image: HTMLImageElement, side: "width" | "height"): number => {
    const parsed = Number.parseInt(image.getAttribute(side) ?? "", 10);
    return parsed >= 0 ? parsed : natural(image, side);
  };

  Object.defineProperties(HTMLImageElement.prototype, {
    src: {
      configurable: true,
      get: getter((image) => loadings.get(image)?.src ?? ""),
      set(this: HTMLImageElement, value: unknown) {
        paint.dropImage(this);
        const src = new URL(String(value), base).href;
        const loading: Loading = { src, complete: false, finished: Promise.resolve() };
        loadings.set(this, loading);
        loading.finished = load(this, loading);
        // decode() hears of the failure; without one, the error event has told it.
        loading.finished.catch(() => {});
      },
    },
    currentSrc: { configurable: true, get: getter((image) => loadings.get(image)?.src ?? "") },
    complete: { configurable: true, get: getter((image) => loadings.get(image)?.complete ?? true) },
    decode: {
      configurable: true,
      value(this: HTMLImageElement) {
        return loadings.get(this)?.finished ?? Promise.resolve();
      },
    },
    naturalWidth: { configurable: true, get: getter((image) => natural(image, "width")) },
    naturalHeight: { configurable: true, get: getter((image) => natural(image, "height")) },
  });
  for (const side of ["width", "height"] as const) {
    Object.defineProperty(HTMLImageElement.prototype, side, {
      configurable: true,
      get: getter((image) => shown(image, side)),
      set(this: HTMLImageElement, value: unknown) {
        this.setAttribute(side, String(value));
      },
    });
  }
}

function getter<T>(read: (image: HTMLImageElement) => T): (this: HTMLImageElement) => T {
  return function get() {
    return read(this);
  };
}
