import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { SurfaceConfiguration } from "#shared/wire/gen/dictionaries.ts";
import {
  writeSurfaceConfigure,
  writeSurfaceCreate,
  writeSurfaceGetCurrentTexture,
  writeSurfacePresent,
  writeSurfaceUnconfigure,
} from "#shared/wire/gen/write-commands.ts";
import type { Animation, Presentable } from "./animation.ts";
import { blankPicture, type Picture, readPicture } from "./canvas-picture.ts";
import type { Connection } from "./connection.ts";
import { GPUTextureUsage } from "./flags.ts";
import { requireFormat } from "./formats.ts";
import { toGPUCanvasConfiguration } from "./gen/dictionaries.ts";
import { GPUTextureSlot } from "./gen/slots.ts";
import {
  constructKey,
  type ConstructKey,
  defineInterface,
  requireConstructKey,
} from "./interface.ts";
import { type DeviceRecord, type Records, TextureRecord, WireObject } from "./records.ts";
import { GPUTexture } from "./texture.ts";
import { requireArguments } from "./webidl.ts";
import { wrapTracked } from "./wrap.ts";

/** What a canvas element and an OffscreenCanvas have in common, as far as a surface goes. */
export type SurfaceCanvas = { readonly width: number; readonly height: number };

/** A canvas's context, and what the page may ask of it that the program may not. */
export type CanvasSurface = {
  readonly context: GPUCanvasContext;
  /** The picture as it is now: nothing, unless its texture was taken and not presented yet. */
  readPicture(): Promise<Picture>;
};

type Typed = ReturnType<typeof toGPUCanvasConfiguration>;
type Configuration = Omit<Typed, "viewFormats" | "toneMapping"> & {
  readonly viewFormats: readonly GPUTextureFormat[];
  readonly toneMapping: { readonly mode: GPUCanvasToneMappingMode };
};

const CANVAS_FORMATS: ReadonlySet<string> = new Set(["bgra8unorm", "rgba8unorm", "rgba16float"]);

/** The state of a GPUCanvasContext: a surface at the worker. */
class Surface implements Presentable, CanvasSurface {
  readonly canvas: SurfaceCanvas;
  readonly context: GPUCanvasContext;
  readonly #connection: Connection;
  readonly #animation: Animation;
  #record: Records["Surface"] | undefined;
  #configured: { readonly configuration: Configuration; width: number; height: number } | undefined;
  #texture: GPUTexture | undefined;
  readonly #isVisible: () => boolean;

  constructor(
    connection: Connection,
    animation: Animation,
    canvas: SurfaceCanvas,
    isVisible: () => boolean,
  ) {
    this.#connection = connection;
    this.#animation = animation;
    this.canvas = canvas;
    this.#isVisible = isVisible;
    this.context = new GPUCanvasContext(constructKey, connection, this);
  }

  get configuration(): Configuration | undefined {
    return this.#configured?.configuration;
  }

  configure(configuration: Configuration): void {
    const { width, height } = this.canvas;
    this.#expire();
    this.#configured = { configuration, width, height };
    this.#sendConfiguration(configuration, width, height);
  }

  unconfigure(): void {
    if (this.#configured === undefined) return;
    this.#expire();
    this.#configured = undefined;
    const { stream, record } = this.#surface();
    writeSurfaceUnconfigure(stream.writer, record);
    stream.recorded();
  }

  currentTexture(): GPUTexture {
    const configured = this.#configured;
    if (configured === undefined) {
      throw new DOMException("The canvas context is not configured.", "InvalidStateError");
    }
    const { width, height } = this.canvas;
    const isSame = configured.width === width && configured.height === height;
    if (!isSame || this.#record === undefined) {
      this.#expire();
      configured.width = width;
      configured.height = height;
      this.#sendConfiguration(configured.configuration, width, height);
    }
    this.#texture ??= this.#createTexture(configured.configuration, width, height);
    return this.#texture;
  }

  readPicture(): Promise<Picture> {
    const { configuration } = this.#configured ?? {};
    if (configuration === undefined || this.#texture === undefined) {
      return Promise.resolve(blankPicture(this.canvas.width, this.canvas.height));
    }
    const { device, alphaMode } = configuration;
    return readPicture(device.wrapper!, this.#texture, alphaMode);
  }

  present(): void {
    if (!this.#isVisible()) return this.#discard();
    const { stream, record } = this.#surface();
    writeSurfacePresent(stream.writer, record);
    stream.recorded();
    this.#texture = undefined;
  }

  #createTexture(
    { device, format, usage }: Configuration,
    width: number,
    height: number,
  ): GPUTexture {
    const { stream, record: surface } = this.#surface();
    const handle = stream.create(ObjectKind.GPUTexture, (writer, made) =>
      writeSurfaceGetCurrentTexture(writer, surface, made),
    );
    this.#animation.touch(this);
    const texture = new TextureRecord(device, handle, "", {
      width,
      height,
      depthOrArrayLayers: 1,
      mipLevelCount: 1,
      sampleCount: 1,
      dimension: "2d",
      format,
      usage,
      textureBindingViewDimension: undefined,
    });
    return wrapTracked(GPUTexture.prototype, GPUTextureSlot, texture);
  }

  /**
   * Nobody sees the canvas: what was drawn is dropped, and what was shown before hidden. The surface goes as well, since
   * programs keep more such canvases than there may be surfaces (MAX_LIVE_SURFACES); drawing anew makes another.
   */
  #discard(): void {
    const { stream, record } = this.#surface();
    stream.retire(record);
    this.#record = undefined;
    this.#texture = undefined;
  }

  /** Whatever was drawn is dropped: the worker expires it with the same command. */
  #expire(): void {
    this.#texture = undefined;
    this.#animation.untouch(this);
  }

  #sendConfiguration({ device, ...rest }: Configuration, width: number, height: number): void {
    const { stream, record } = this.#surface();
    const configuration: SurfaceConfiguration = rest;
    stream.useDevice(device);
    stream.record((writer) => writeSurfaceConfigure(writer, record, width, height, configuration));
  }

  #surface(): { readonly stream: Connection["stream"]; readonly record: Records["Surface"] } {
    const { stream } = this.#connection;
    if (this.#record === undefined) {
      const kind = ObjectKind.Surface;
      const handle = stream.create(kind, writeSurfaceCreate);
      this.#record = stream.track(new WireObject(stream, kind, handle, ""));
    }
    return { stream, record: this.#record };
  }
}

export class GPUCanvasContext implements globalThis.GPUCanvasContext {
  readonly #surface: Surface;
  readonly #connection: Connection;
  declare readonly __brand: "GPUCanvasContext";

  constructor(key: ConstructKey, connection: Connection, surface: Surface) {
    requireConstructKey(key);
    this.#connection = connection;
    this.#surface = surface;
  }

  get canvas(): HTMLCanvasElement | OffscreenCanvas {
    // What it was created for, which in Node is whatever stands for a canvas there.
    return this.#surface.canvas as HTMLCanvasElement;
  }

  configure(configuration: GPUCanvasConfiguration): undefined {
    const surface = this.#surface;
    requireArguments(arguments.length, 1, "GPUCanvasContext.configure");
    const typed = toGPUCanvasConfiguration(configuration);
    const { device, format } = typed;
    const viewFormats = typed.viewFormats ?? [];
    requireFormat(device, format);
    for (const viewFormat of viewFormats) requireFormat(device, viewFormat);
    if (!CANVAS_FORMATS.has(format)) {
      throw new TypeError(`No canvas can have the format "${format}".`);
    }
    if ((typed.usage & GPUTextureUsage.TRANSIENT_ATTACHMENT) !== 0) {
      throw new TypeError("A canvas's texture cannot be a transient attachment.");
    }
    this.#requireOwn(device);
    const toneMapping = { mode: typed.toneMapping?.mode ?? "standard" };
    surface.configure({ ...typed, viewFormats, toneMapping });
  }

  unconfigure(): undefined {
    this.#surface.unconfigure();
  }

  getConfiguration(): GPUCanvasConfigurationOut | null {
    const { configuration } = this.#surface;
    if (configuration === undefined) return null;
    const { device, viewFormats, toneMapping, colorSpace, ...rest } = configuration;
    return {
      ...rest,
      colorSpace: colorSpace as PredefinedColorSpace,
      device: device.wrapper!,
      viewFormats: [...viewFormats],
      toneMapping: { ...toneMapping },
    };
  }

  getCurrentTexture(): GPUTexture {
    return this.#surface.currentTexture();
  }

  #requireOwn(device: DeviceRecord): void {
    if (device.connection !== this.#connection) {
      throw new TypeError("The device and the canvas belong to different connections.");
    }
  }

  static {
    defineInterface(this);
  }
}

/**
 * A canvas's surface; the caller keeps its context for the canvas's life. What is drawn while the canvas is not
 * visible is not shown.
 */
export function createCanvasSurface(
  connection: Connection,
  animation: Animation,
  canvas: SurfaceCanvas,
  isVisible: () => boolean,
): CanvasSurface {
  return new Surface(connection, animation, canvas, isVisible);
}
