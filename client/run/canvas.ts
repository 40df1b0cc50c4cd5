import { HTMLCanvasElement } from "happy-dom";
import { encodeCanvas } from "./images.ts";
import type { PageCanvas, Paint, Pixels } from "./paint.ts";

type Taken = { readonly kind: string; readonly context: object };

/** The WebGPU contexts of a page's canvases, whose pictures are on the GPU host. */
export type RemoteCanvases = {
  createContext(canvas: PageCanvas, isVisible: () => boolean): object;
  /** What the canvas of such a context shows now. */
  read(context: object): Promise<Pixels>;
};

/** The contexts of a page's canvases: each canvas has at most one, of the kind asked for first. */
export class CanvasContexts {
  readonly #taken = new WeakMap<object, Taken>();
  readonly #paint: Paint;
  readonly #remote: RemoteCanvases;
  /** The elements that have a WebGPU context, in the order in which they took it. */
  #elements: WeakRef<HTMLCanvasElement>[] = [];

  constructor(paint: Paint, remote: RemoteCanvases) {
    this.#paint = paint;
    this.#remote = remote;
  }

  /** The canvas element that the operator sees: the one in the document that took a WebGPU context last. */
  get shown(): HTMLCanvasElement | undefined {
    const elements = this.#alive();
    return elements.findLast(({ isConnected }) => isConnected) ?? elements.at(-1);
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
        return this.#createRemote(canvas);
      default:
        return null;
    }
  }

  #createRemote(canvas: PageCanvas): object {
    if (canvas instanceof HTMLCanvasElement) this.#elements.push(new WeakRef(canvas));
    const context = this.#remote.createContext(canvas, () => this.#isVisible(canvas));
    this.#paint.setRemote(canvas, () => this.#remote.read(context));
    return context;
  }

  /** Libraries draw to canvases of their own to read them back. A program that puts none into its document shows them all. */
  #isVisible(canvas: PageCanvas): boolean {
    if (canvas instanceof HTMLCanvasElement && canvas.isConnected) return true;
    return !this.#alive().some(({ isConnected }) => isConnected);
  }

  #alive(): HTMLCanvasElement[] {
    const elements = this.#elements
      .map((weak) => weak.deref())
      .filter((each) => each !== undefined);
    if (elements.length < this.#elements.length) {
      this.#elements = elements.map((each) => new WeakRef(each));
    }
    return elements;
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
      value(this: HTMLCanvasElement, callback: (blob: Blob | null) => void, type?: string) {
        void encodeCanvas(paint, this, type)
          // As a browser says that it has no picture: https://html.spec.whatwg.org/#dom-canvas-toblob
          .catch(() => null)
          .then((blob) => setImmediate(() => callback(blob)));
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
