import { HTMLCanvasElement } from "happy-dom";
import { encode } from "./images.ts";
import type { PageCanvas, Paint } from "./paint.ts";

type Taken = { readonly kind: string; readonly context: object };

/** The contexts of a page's canvases: each canvas has at most one, of the kind asked for first. */
export class CanvasContexts {
  readonly #taken = new WeakMap<object, Taken>();
  readonly #paint: Paint;
  readonly #createWebGPUContext: (canvas: PageCanvas) => object;
  #shown: HTMLCanvasElement | undefined;

  constructor(paint: Paint, createWebGPUContext: (canvas: PageCanvas) => object) {
    this.#paint = paint;
    this.#createWebGPUContext = createWebGPUContext;
  }

  /** The canvas element that the operator sees: the one that took a WebGPU context last. */
  get shown(): HTMLCanvasElement | undefined {
    return this.#shown;
  }

  /** A canvas's `getContext`; null for a kind that there is not, or other than the canvas's own. */
  getContext(canvas: PageCanvas, kind: string): object | null {
    const taken = this.#taken.get(canvas);
    if (taken !== undefined) return taken.kind === kind ? taken.context : null;
    const context = this.#create(canvas, kind);
    if (context !== null) this.#taken.set(canvas, { kind, context });
    return context;
  }

  #create(canvas: PageCanvas, kind: string): object | null {
    switch (kind) {
      case "2d":
        return this.#paint.contextOf(canvas);
      case "webgpu":
        if (canvas instanceof HTMLCanvasElement) this.#shown = canvas;
        return this.#createWebGPUContext(canvas);
      default:
        return null;
    }
  }
}

/** Gives canvas elements their contexts, their sizes and their pictures as files. */
export function installCanvasElement(contexts: CanvasContexts, paint: Paint): void {
  Object.defineProperties(HTMLCanvasElement.prototype, {
    width: sizeProperty("width", 300, paint),
    height: sizeProperty("height", 150, paint),
    getContext: {
      configurable: true,
      value(this: HTMLCanvasElement, kind: string) {
        return contexts.getContext(this, kind);
      },
    },
    toBlob: {
      configurable: true,
      value(this: HTMLCanvasElement, callback: (blob: Blob) => void, type?: string) {
        const blob = encode(paint, this, type);
        setImmediate(() => callback(blob));
      },
    },
    toDataURL: {
      configurable: true,
      value(this: HTMLCanvasElement, type?: "image/png" | "image/jpeg" | "image/webp") {
        const picture = paint.canvasOf(this);
        if (type === "image/jpeg" || type === "image/webp") return picture.toDataURL(type);
        return picture.toDataURL("image/png");
      },
    },
  });
}

function sizeProperty(side: "width" | "height", initial: number, paint: Paint): PropertyDescriptor {
  return {
    configurable: true,
    get(this: HTMLCanvasElement) {
      const value = Number.parseInt(this.getAttribute(side) ?? "", 10);
      return value >= 0 ? value : initial;
    },
    set(this: HTMLCanvasElement, value: unknown) {
      // WebIDL's unsigned long: a fraction is cut off.
      this.setAttribute(side, String(Number(value) >>> 0));
      paint.resized(this);
    },
  };
}
