import {
  DOMRect,
  Element,
  GlobalWindow,
  HTMLElement,
  HTMLImageElement,
  HTMLMediaElement,
} from "happy-dom";
import type { InputEvent } from "#shared/input/events.ts";
import { CanvasContexts, installCanvasElement } from "./canvas.ts";
import { define } from "./define.ts";
import { installEventClasses } from "./event-classes.ts";
import { bindHandlers } from "./event-handlers.ts";
import { FileReader } from "./file-reader.ts";
import { createFileFetch } from "./files.ts";
import { installWindowGlobals } from "./globals.ts";
import {
  createImageBitmapFunction,
  createOffscreenCanvasClass,
  ImageBitmap,
  installImageLoading,
} from "./images.ts";
import { createIntersectionObserverClass } from "./intersection-observer.ts";
import { KeyboardDispatcher } from "./keyboard.ts";
import { layoutSize, type PageSize } from "./layout.ts";
import { dispatchTrusted, type Stage } from "./page-events.ts";
import { installPaintClasses } from "./paint-classes.ts";
import { Paint, type PageCanvas, type Pixels } from "./paint.ts";
import { PointerDispatcher } from "./pointer.ts";
import { PointerCaptures } from "./pointer-capture.ts";
import { ResizeObservation } from "./resize-observer.ts";
import { installScreenRequests } from "./screen-requests.ts";
import { VideoFrame } from "./video-frame.ts";
import { createXmlHttpRequestClass } from "./xml-http-request.ts";

export type DomOptions = {
  readonly gpu: object;
  /** Defines GPUDevice, GPUBufferUsage and the rest on the given object. */
  readonly installGPUGlobals: (target: object) => void;
  /** What a canvas answers to `getContext("webgpu")`; asked once for each canvas. */
  readonly createCanvasContext: (canvas: PageCanvas, isVisible: () => boolean) => object;
  /** What the canvas of such a context shows now. */
  readonly readCanvas: (context: object) => Promise<Pixels>;
  readonly requestAnimationFrame: (callback: (time: number) => void) => number;
  readonly cancelAnimationFrame: (handle: number) => void;
  /** The window before the operator's own size is known. */
  readonly size: PageSize;
  /** Relative URLs of the program are meant from here. */
  readonly base: URL;
};

/** The page that a program finds itself in, and the operator's way into it. */
export type Dom = {
  readonly window: GlobalWindow;
  input(event: InputEvent): void;
  resize(size: PageSize): void;
  /** The pixels of an image, canvas, bitmap or image data; absent if it has none. */
  pixelsOf(source: object): Pixels | undefined;
};

/**
 * Makes this process look like a page to the program that runs next in it: window, document, canvases,
 * images and navigator.gpu on the global object. A process has one page: the elements' classes are its own.
 */
export function installDom(options: DomOptions): Dom {
  const { base, size } = options;
  // Node loads its own fetch lazily, on top of the global Event classes: before they are the page's.
  const { Request, fetch } = createFileFetch(base);
  const window = new GlobalWindow({ url: base.href, console: globalThis.console, ...size });
  window.happyDOM.setViewport(size);
  const sizeOf = (element: Element) => layoutSize(element, pageSize(window));
  const observation = new ResizeObservation(sizeOf, () => window.devicePixelRatio);
  const paint = new Paint(window.ImageData);
  const contexts = new CanvasContexts(paint, {
    createContext: options.createCanvasContext,
    read: options.readCanvas,
  });
  const stage: Stage = {
    window,
    sizeOf,
    target: () => contexts.shown ?? window.document.body,
  };
  const captures = new PointerCaptures(window);

  installLayout(sizeOf);
  installCanvasElement(contexts, paint);
  installImageLoading(paint, base, fetch, (type) => new window.Event(type));
  captures.install();
  installEventClasses(window);
  for (const { prototype } of [HTMLElement, HTMLImageElement, HTMLMediaElement])
    bindHandlers(prototype);
  installScreenRequests(window);
  installOrigin(window);
  define(window, {
    // Else there is no navigator.gpu: https://www.w3.org/TR/webgpu/#navigatorgpu
    isSecureContext: true,
    crossOriginIsolated: false,
    alert: (message: unknown) => console.warn(String(message)),
    FileReader,
    VideoFrame,
    XMLHttpRequest: createXmlHttpRequestClass(base, fetch),
    ImageBitmap,
    createImageBitmap: createImageBitmapFunction(paint),
    OffscreenCanvas: createOffscreenCanvasClass(paint, (canvas, kind) =>
      contexts.getContext(canvas, kind),
    ),
    ResizeObserver: observation.createClass(),
    IntersectionObserver: createIntersectionObserverClass(sizeOf),
    requestAnimationFrame: (callback: (time: number) => void) =>
      options.requestAnimationFrame((time) => {
        callback(time);
        if (!observation.isIdle) queueMicrotask(() => observation.deliver());
      }),
    cancelAnimationFrame: options.cancelAnimationFrame,
  });
  define(window.navigator, { gpu: options.gpu });
  installWindowGlobals(window);
  installPaintClasses(globalThis, paint);
  define(globalThis, { Request, fetch });
  // By this member of Node's `process`, which bundlers' stand-ins have, libraries know a page that has a `process`.
  define(process, { browser: true });
  options.installGPUGlobals(globalThis);

  const pointer = new PointerDispatcher(stage, captures);
  const keyboard = new KeyboardDispatcher(stage);
  let hasFocus = true;
  function focus(next: boolean): void {
    if (hasFocus === next) return;
    hasFocus = next;
    dispatchTrusted(window, new window.FocusEvent(next ? "focus" : "blur"));
  }
  function resize(next: PageSize): void {
    // Dispatches the window's resize event.
    window.happyDOM.setViewport(next);
    observation.deliver();
  }
  function input(event: InputEvent): void {
    switch (event.type) {
      case "pointerdown":
      case "pointermove":
      case "pointerup":
      case "pointercancel":
        focus(true);
        return pointer.dispatch(event);
      case "wheel":
        return pointer.wheel(event);
      case "keydown":
      case "keyup":
        focus(true);
        return keyboard.dispatch(event);
      case "blur":
        pointer.release();
        keyboard.release();
        return focus(false);
      case "resize":
        return resize(cssSize(event));
    }
  }
  return { window, input, resize, pixelsOf: (source) => paint.pixelsOf(source) };
}

/** The window's size in CSS pixels for a picture area given in device pixels. */
export function cssSize({ width, height, devicePixelRatio }: PageSize): PageSize {
  return {
    width: Math.max(1, Math.round(width / devicePixelRatio)),
    height: Math.max(1, Math.round(height / devicePixelRatio)),
    devicePixelRatio,
  };
}

function pageSize({ innerWidth, innerHeight, devicePixelRatio }: GlobalWindow): PageSize {
  return { width: innerWidth, height: innerHeight, devicePixelRatio };
}

/**
 * The origin of a page that is a file is for the browser to choose, says https://url.spec.whatwg.org/#concept-url-origin.
 * As in Chromium, `location.origin` is one that URLs can be resolved against.
 */
function installOrigin(window: GlobalWindow): void {
  const { location } = window;
  const { origin } = location;
  define(window, { origin });
  if (location.protocol === "file:") define(location, { origin: "file://" });
}

function installLayout(sizeOf: (element: Element) => { width: number; height: number }): void {
  const sizes = (side: "width" | "height"): PropertyDescriptor => ({
    configurable: true,
    get(this: Element) {
      return Math.round(sizeOf(this)[side]);
    },
  });
  Object.defineProperties(HTMLElement.prototype, {
    clientWidth: sizes("width"),
    clientHeight: sizes("height"),
    offsetWidth: sizes("width"),
    offsetHeight: sizes("height"),
    scrollWidth: sizes("width"),
    scrollHeight: sizes("height"),
    getBoundingClientRect: {
      configurable: true,
      value(this: Element) {
        const { width, height } = sizeOf(this);
        return new DOMRect(0, 0, width, height);
      },
    },
  });
}
