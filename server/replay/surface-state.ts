import { ProtocolError } from "#shared/wire/errors.ts";
import type { SurfaceConfiguration } from "#shared/wire/gen/dictionaries.ts";
import type { DeviceState } from "./device-state.ts";
import { invalidTexture } from "./invalid-objects.ts";
import { Charge } from "./memory-ledger.ts";
import { textureBytes } from "./memory-size.ts";
import type { ReplayHost } from "./replay-host.ts";
import type { SurfaceKey } from "./surface-host.ts";

const RENDER_ATTACHMENT = 0x10;

/** Longest side of a picture that is shown, on a GPU that has longer ones. Bounds what capture and the gateway have to reckon with. */
export const MAX_SURFACE_SIDE = 16_384;

/** Formats that a canvas can have. */
const FORMATS: ReadonlySet<GPUTextureFormat> = new Set(["bgra8unorm", "rgba8unorm", "rgba16float"]);

type Configured = {
  readonly device: DeviceState;
  readonly width: number;
  readonly height: number;
  readonly configuration: SurfaceConfiguration;
};

type SurfaceTexture = { readonly texture: GPUTexture; readonly charge: Charge };

/** A canvas of the guest: makes the textures that its program draws to, and has them captured. */
export class SurfaceState {
  readonly #host: ReplayHost;
  readonly #key: SurfaceKey;
  #configured: Configured | undefined;
  #current: (SurfaceTexture & { readonly made: Configured }) | undefined;
  #isShown = false;

  constructor(id: number, host: ReplayHost) {
    this.#host = host;
    this.#key = { connection: host.connection, id };
  }

  configure(configured: Configured): void {
    const { format } = configured.configuration;
    if (!FORMATS.has(format)) {
      throw new ProtocolError(`A surface is configured with ${format}, which no canvas can have.`);
    }
    this.#expire();
    this.#configured = configured;
  }

  unconfigure(): void {
    this.#expire();
    this.#configured = undefined;
    this.#hide();
  }

  /** Makes the texture of the next frame. The guest's handle owns it until present(). */
  makeTexture(): SurfaceTexture {
    if (this.#configured === undefined) {
      throw new ProtocolError(`Surface ${this.#key.id} gives no texture: it is not configured.`);
    }
    if (this.#current !== undefined) {
      throw new ProtocolError(`Surface ${this.#key.id} has a texture that was not presented yet.`);
    }
    const { device, width, height, configuration } = this.#configured;
    const { format, usage = RENDER_ATTACHMENT, viewFormats = [] } = configuration;
    const descriptor = {
      label: `surface ${this.#key.id}`,
      size: { width, height },
      format,
      usage: (usage | this.#host.surfaces.captureUsage(format)) >>> 0,
      viewFormats,
    };
    const { gpuMemory } = this.#host.budget;
    const bytes = textureBytes(descriptor);
    const charge = device.memory.take(gpuMemory, bytes);
    if (charge === undefined) device.reportOutOfMemory("A canvas's texture", bytes, gpuMemory);
    const made =
      charge === undefined
        ? { texture: invalidTexture(device.dawn, descriptor), charge: new Charge(() => {}) }
        : { texture: device.dawn.createTexture(descriptor), charge };
    this.#current = { ...made, made: this.#configured };
    return made;
  }

  /** Hands the current texture to capture, which owns it then. `captured` is when the GPU is done with it. */
  present(): { readonly texture: GPUTexture; readonly captured: Promise<void> } {
    if (this.#current === undefined) {
      throw new ProtocolError(`Surface ${this.#key.id} is presented without a texture.`);
    }
    const { made, ...current } = this.#current;
    const { texture } = current;
    this.#current = undefined;
    const { device, width, height, configuration } = made;
    const longest = Math.min(device.dawn.limits.maxTextureDimension2D, MAX_SURFACE_SIDE);
    if (width < 1 || height < 1 || width > longest || height > longest) {
      destroy(current); // It is invalid, as Dawn has reported, or larger than anything shown.
      return { texture, captured: Promise.resolve() };
    }
    this.#isShown = true;
    const captured = this.#host.surfaces.present({
      surface: this.#key,
      device: device.dawn,
      texture,
      width,
      height,
      format: configuration.format,
      alphaMode: configuration.alphaMode ?? "opaque",
      colorSpace: configuration.colorSpace ?? "srgb",
      toneMapping: configuration.toneMapping?.mode ?? "standard",
      destroy: () => destroy(current),
    });
    return { texture, captured };
  }

  close(): void {
    this.#expire();
    this.#configured = undefined;
    this.#hide();
  }

  #expire(): void {
    if (this.#current !== undefined) destroy(this.#current);
    this.#current = undefined;
  }

  #hide(): void {
    if (this.#isShown) this.#host.surfaces.release(this.#key);
    this.#isShown = false;
  }
}

function destroy({ texture, charge }: SurfaceTexture): void {
  texture.destroy();
  charge.release();
}
