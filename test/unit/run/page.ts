import { pathToFileURL } from "node:url";
import { installDom, type Dom } from "#client/run/dom.ts";

/** A page whose frames come when the test says so. Installed on the test process itself. */
export function installTestPage(
  size = { width: 800, height: 600, devicePixelRatio: 1 },
  base = pathToFileURL(import.meta.filename),
) {
  let callbacks: ((time: number) => void)[] = [];
  const contexts: { readonly isVisible: () => boolean }[] = [];
  /** What all WebGPU canvases show. */
  const picture = { width: 1, height: 1, data: new Uint8ClampedArray([255, 128, 0, 255]) };
  const dom: Dom = installDom({
    gpu: {},
    installGPUGlobals: () => {},
    createCanvasContext: (_canvas, isVisible) => {
      const context = { isVisible };
      contexts.push(context);
      return context;
    },
    readCanvas: async () => picture,
    requestAnimationFrame: (callback) => callbacks.push(callback),
    cancelAnimationFrame: () => {},
    size,
    base,
  });
  return {
    dom,
    contexts,
    frame(time: number): void {
      const due = callbacks;
      callbacks = [];
      for (const callback of due) callback(time);
    },
    /** A canvas that fills the window and has taken a WebGPU context: what the operator sees. */
    showCanvas() {
      const canvas = dom.window.document.createElement("canvas");
      canvas.style.width = "100vw";
      canvas.style.height = "100vh";
      dom.window.document.body.append(canvas);
      call(canvas, "getContext", "webgpu");
      return canvas;
    },
  };
}

/** Calls a method as a program written in JavaScript does: with arguments that its types don't have. */
export function call(target: object, method: string, ...args: readonly unknown[]): unknown {
  const value: unknown = Reflect.get(target, method);
  if (typeof value !== "function") throw new TypeError(`${method} is not a method.`);
  return Reflect.apply(value, target, args);
}

/** A class that is global to the program. */
export function globalClass(name: string): typeof Function.prototype {
  const value: unknown = Reflect.get(globalThis, name);
  if (typeof value !== "function") throw new TypeError(`${name} is not a class.`);
  return value;
}

/** A canvas's context, of a kind that the canvas can have. */
export function contextOf(canvas: object, kind: "2d" | "webgpu"): object {
  const context = call(canvas, "getContext", kind);
  if (typeof context !== "object" || context === null) throw new TypeError("It has none.");
  return context;
}

/** A mouse at a fraction of the picture. */
export function mouse(
  type: "pointermove" | "pointerdown" | "pointerup" | "pointercancel",
  [x, y]: readonly [number, number],
  { button = type === "pointermove" ? -1 : 0, buttons = type === "pointerdown" ? 1 : 0 } = {},
) {
  return {
    type,
    x,
    y,
    button,
    buttons,
    modifiers: 0,
    pointerId: 1,
    pointerType: "mouse",
  } as const;
}
