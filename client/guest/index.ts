import { Animation } from "./animation.ts";
import { type CanvasSurface, createCanvasSurface, type SurfaceCanvas } from "./canvas-context.ts";
import type { Picture } from "./canvas-picture.ts";
import { Connection } from "./connection.ts";
import { installGlobals } from "./globals.ts";
import { createGPU } from "./gpu.ts";
import { InputPort, type SurfaceSize } from "./input.ts";
import type { Transport } from "./transport.ts";
import type { InputEvent } from "#shared/input/events.ts";

export type { Transport };

export type GuestOptions = {
  /** Dials the relay. Called once, when the program first asks for an adapter or a frame. */
  readonly connect: () => Transport | Promise<Transport>;
  /** Names the program in logs, at most 256 characters. */
  readonly client?: string;
  /** Told in sentences what a browser would write to its console. Default: console.warn. */
  readonly report?: (sentence: string) => void;
  /** Told of exceptions in animation and input callbacks. Default: thrown as uncaught. */
  readonly reportException?: (error: unknown) => void;
};

/** A `navigator.gpu` that records, and the frames and input that come back to its program. */
export type Guest = {
  readonly gpu: GPU;
  /** Defines GPUDevice, GPUBufferUsage and the rest as properties of `target`, as a browser does. */
  installGlobals(target: object): void;
  /**
   * What a canvas answers to `getContext("webgpu")`; the canvas asks once and keeps it. What is drawn while the canvas
   * is not visible is not shown.
   */
  createCanvasContext(canvas: SurfaceCanvas, isVisible?: () => boolean): GPUCanvasContext;
  /** What the canvas of such a context shows at this point of the program. Rejects when the device is lost. */
  readCanvas(context: object): Promise<Picture>;
  requestAnimationFrame(callback: (time: number) => void): number;
  cancelAnimationFrame(handle: number): void;
  onInput(callback: (event: InputEvent) => void): void;
  /** The operator's picture area in device pixels: the program's window should take this size. */
  onResize(callback: (size: SurfaceSize) => void): void;
  /** Resolves with a sentence when the connection has ended, for whatever reason. */
  readonly closed: Promise<string>;
  /** Ends the connection: every device is lost. Idempotent. */
  close(): void;
  [Symbol.dispose](): void;
};

export function connectGuest(options: GuestOptions): Guest {
  const report = options.report ?? ((sentence) => console.warn(sentence));
  const reportException = options.reportException ?? throwAsUncaught;
  const connection = new Connection({ ...options, report });
  const animation = new Animation(connection, reportException);
  const input = new InputPort(connection, reportException);
  const gpu = createGPU(connection);
  const surfaces = new WeakMap<object, CanvasSurface>();
  return {
    gpu,
    installGlobals,
    createCanvasContext(canvas, isVisible = () => true) {
      const surface = createCanvasSurface(connection, animation, canvas, isVisible);
      surfaces.set(surface.context, surface);
      return surface.context;
    },
    async readCanvas(context) {
      const surface = surfaces.get(context);
      if (surface === undefined) throw new TypeError("The context is not one of this guest's.");
      return surface.readPicture();
    },
    requestAnimationFrame: (callback) => animation.request(callback),
    cancelAnimationFrame: (handle) => animation.cancel(handle),
    onInput: (callback) => input.onInput(callback),
    onResize: (callback) => input.onResize(callback),
    closed: connection.closed,
    close: () => connection.close(),
    [Symbol.dispose]: () => connection.close(),
  };
}

function throwAsUncaught(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}
