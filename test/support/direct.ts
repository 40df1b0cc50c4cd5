import { installDom, type Dom } from "#client/run/dom.ts";
import type { PageSize } from "#client/run/layout.ts";
import type { PageCanvas, Pixels } from "#client/run/paint.ts";
import { installPacedPoller, PacedPoller } from "#server/worker/paced-poller.ts";

export type DirectOptions = {
  readonly size: PageSize;
  readonly base: URL;
  /** Frames a second; 0 for as many as the GPU finishes, two in flight. */
  readonly frameRate: number;
  /** Options of Dawn's `create`, such as "backend=null". */
  readonly dawn?: readonly string[];
  /** Called when a frame's GPU work is done, with the time since its callbacks began. */
  readonly onFrame?: (frame: number, milliseconds: number) => void;
};

/** A program's page on this process's own Dawn: what its guest's page is compared with. */
export type Direct = Dom & {
  /** The shown canvas as it is after the frame now being drawn, or the last one. */
  capture(): Promise<Pixels>;
};

const MAX_FRAMES_IN_FLIGHT = 2;

export async function installDirect(options: DirectOptions): Promise<Direct> {
  // As in a worker: Dawn that polls without a pause takes a core from its own software GPU.
  const poller = new PacedPoller();
  installPacedPoller(poller);
  const { create, globals } = await import("webgpu");
  const gpu = create([...(options.dawn ?? [])]);
  const contexts: DirectCanvasContext[] = [];
  const frames = new DirectFrames(options, poller, () => contexts.at(-1)?.device);
  const dom = installDom({
    gpu,
    installGPUGlobals: (target) => void Object.assign(target, globals),
    createCanvasContext: (canvas) => {
      const context = new DirectCanvasContext(canvas);
      contexts.push(context);
      return context;
    },
    readCanvas: async (context) => {
      if (!(context instanceof DirectCanvasContext))
        throw new TypeError("It is no WebGPU context.");
      return context.read();
    },
    requestAnimationFrame: (callback) => frames.request(callback),
    cancelAnimationFrame: (handle) => frames.cancel(handle),
    size: options.size,
    base: options.base,
  });
  return {
    ...dom,
    async capture() {
      const context = contexts.at(-1);
      if (context === undefined) throw new Error("The program has no WebGPU canvas.");
      return context.read();
    },
  };
}

/** GPUCanvasContext on an offscreen texture, which stays the same until the canvas changes its size. */
class DirectCanvasContext {
  readonly canvas: PageCanvas;
  #configuration: GPUCanvasConfiguration | undefined;
  #texture: GPUTexture | undefined;

  constructor(canvas: PageCanvas) {
    this.canvas = canvas;
  }

  get device(): GPUDevice | undefined {
    return this.#configuration?.device;
  }

  configure(configuration: GPUCanvasConfiguration): void {
    this.unconfigure();
    this.#configuration = configuration;
  }

  unconfigure(): void {
    this.#texture?.destroy();
    this.#texture = undefined;
    this.#configuration = undefined;
  }

  getConfiguration(): GPUCanvasConfiguration | null {
    return this.#configuration ?? null;
  }

  getCurrentTexture(): GPUTexture {
    if (this.#configuration === undefined) {
      throw new DOMException("The canvas is not configured.", "InvalidStateError");
    }
    const { device, format, usage, viewFormats } = this.#configuration;
    const { width, height } = this.canvas;
    if (this.#texture?.width !== width || this.#texture.height !== height) {
      this.#texture?.destroy();
      this.#texture = device.createTexture({
        size: [width, height],
        format,
        usage: (usage ?? GPUTextureUsage.RENDER_ATTACHMENT) | GPUTextureUsage.COPY_SRC,
        ...(viewFormats === undefined ? {} : { viewFormats }),
      });
    }
    return this.#texture;
  }

  async read(): Promise<Pixels> {
    const texture = this.#texture;
    if (texture === undefined || this.#configuration === undefined) {
      throw new Error("The canvas has no picture yet.");
    }
    const { device, format } = this.#configuration;
    const { width, height } = texture;
    const bytesPerRow = Math.ceil((width * 4) / 256) * 256;
    const buffer = device.createBuffer({
      size: bytesPerRow * height,
      usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
    });
    const encoder = device.createCommandEncoder();
    encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
    device.queue.submit([encoder.finish()]);
    await buffer.mapAsync(GPUMapMode.READ);
    const padded = new Uint8Array(buffer.getMappedRange());
    const data = new Uint8ClampedArray(width * height * 4);
    for (let row = 0; row < height; row += 1) {
      const start = row * bytesPerRow;
      data.set(padded.subarray(start, start + width * 4), row * width * 4);
    }
    buffer.destroy();
    if (format.startsWith("bgra")) swapRedAndBlue(data);
    return { width, height, data };
  }
}

function swapRedAndBlue(data: Uint8ClampedArray): void {
  for (let at = 0; at < data.length; at += 4) {
    const blue = data[at] ?? 0;
    data[at] = data[at + 2] ?? 0;
    data[at + 2] = blue;
  }
}

/** requestAnimationFrame for a page without a display. */
class DirectFrames {
  readonly #options: DirectOptions;
  readonly #poller: PacedPoller;
  readonly #device: () => GPUDevice | undefined;
  #callbacks = new Map<number, (time: number) => void>();
  #nextHandle = 1;
  #frame = 0;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #due = performance.now();

  constructor(options: DirectOptions, poller: PacedPoller, device: () => GPUDevice | undefined) {
    this.#options = options;
    this.#poller = poller;
    this.#device = device;
  }

  request(callback: (time: number) => void): number {
    const handle = this.#nextHandle;
    this.#nextHandle += 1;
    this.#callbacks.set(handle, callback);
    this.#schedule();
    return handle;
  }

  cancel(handle: number): void {
    this.#callbacks.delete(handle);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#callbacks.size === 0) return;
    if (this.#inFlight >= MAX_FRAMES_IN_FLIGHT) return;
    this.#timer = setTimeout(() => this.#draw(), Math.max(0, this.#due - performance.now()));
  }

  #draw(): void {
    this.#timer = undefined;
    const callbacks = this.#callbacks;
    this.#callbacks = new Map();
    const began = performance.now();
    const { frameRate, onFrame } = this.#options;
    if (frameRate > 0) this.#due = Math.max(this.#due + 1000 / frameRate, began);
    this.#frame += 1;
    const frame = this.#frame;
    this.#inFlight += 1;
    for (const callback of callbacks.values()) callback(began);
    this.#poller.workHandedOver();
    void this.#finish(() => onFrame?.(frame, performance.now() - began));
    this.#schedule();
  }

  async #finish(finished: () => void): Promise<void> {
    await this.#device()?.queue.onSubmittedWorkDone();
    this.#inFlight -= 1;
    finished();
    this.#schedule();
  }
}
