import { createHash } from "node:crypto";
import { readTexels } from "#server/capture/texels.ts";
import { PictureHash } from "#server/recording/format.ts";
import type { PresentedPicture, SurfaceHost, SurfaceKey } from "#server/replay/surface-host.ts";

/** Pictures that are being read back. Bounds the memory that a program takes by presenting many at once. */
export const MAX_UNREAD_PICTURES = 3;

export type RecordedSurfacesOptions = {
  /** What the pictures go on to. */
  readonly surfaces: SurfaceHost;
  /** Told of each picture; more of them wait for the promise, if it returns one. */
  readonly taken: (hash: PictureHash, texels: Uint8Array) => Promise<void> | void;
  /** Holds the program's next commands back until the promise is settled. */
  readonly pause: (until: Promise<unknown>) => void;
};

/** Reads each picture that a connection presents, and tells its hash: for a connection that is recorded or replayed. */
export class RecordedSurfaces implements SurfaceHost {
  readonly #options: RecordedSurfacesOptions;
  readonly #unread = new Set<Promise<void>>();
  #presented = 0;

  constructor(options: RecordedSurfacesOptions) {
    this.#options = options;
  }

  captureUsage(format: GPUTextureFormat): GPUTextureUsageFlags {
    return this.#options.surfaces.captureUsage(format);
  }

  async present(picture: PresentedPicture): Promise<void> {
    const number = ++this.#presented;
    const reading = this.#read(number, picture);
    const presented = this.#options.surfaces.present(picture);
    this.#unread.add(reading);
    if (this.#unread.size >= MAX_UNREAD_PICTURES) {
      const [oldest] = this.#unread;
      if (oldest !== undefined) this.#options.pause(oldest);
    }
    await Promise.all([presented, reading]);
    this.#unread.delete(reading);
  }

  release(surface: SurfaceKey): void {
    this.#options.surfaces.release(surface);
  }

  /** Resolves when all that was presented so far is told. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#unread);
  }

  /** Submits its copy before it returns. Never rejects. */
  async #read(number: number, picture: PresentedPicture): Promise<void> {
    const { surface, width, height, format } = picture;
    const texels = await readTexels(picture);
    if (texels === undefined) return; // Invalid, or its device is lost.
    const sha256 = createHash("sha256").update(texels).digest("hex");
    const hash = { number, surface: surface.id, width, height, format, sha256 };
    await this.#options.taken(PictureHash.parse(hash), texels);
  }
}
