import type { PredefinedColorSpace } from "#shared/wire/gen/enums.ts";

// What a surface needs from the stage behind replay. server/worker/pipeline.ts implements it.

/**
 * Names one surface for its whole life. One object a surface, so it serves as a key of a Map; ids are
 * the guest's and repeat between connections.
 */
export type SurfaceKey = { readonly connection: number; readonly id: number };

/** One frame of a surface, as its program left it. */
export type PresentedPicture = {
  readonly surface: SurfaceKey;
  /** Owned by the guest's connection: it may be lost or destroyed at any time. */
  readonly device: GPUDevice;
  /** Has the usage that the guest asked for, and `captureUsage`. May be an invalid texture. */
  readonly texture: GPUTexture;
  readonly width: number;
  readonly height: number;
  readonly format: GPUTextureFormat;
  readonly alphaMode: GPUCanvasAlphaMode;
  readonly colorSpace: PredefinedColorSpace;
  readonly toneMapping: GPUCanvasToneMappingMode;
  /** Destroys the texture, and gives back what it takes of the session's memory. Idempotent. */
  destroy(): void;
};

export interface SurfaceHost {
  /** Usage that is added to the textures of a surface in this format, so that they can be captured. */
  captureUsage(format: GPUTextureFormat): GPUTextureUsageFlags;
  /**
   * Takes ownership of the picture and destroys it once captured. Whatever reads the texture is
   * submitted before this returns: the guest's next commands come after it on the same queue. Uses
   * the device only within error scopes of its own, since the guest sees all other errors.
   *
   * Resolves when the GPU has finished the frame (captured, or left out because nobody watches), and
   * also when the device is lost. Never rejects.
   */
  present(picture: PresentedPicture): Promise<void>;
  /** The surface is gone: its layer leaves the picture. */
  release(surface: SurfaceKey): void;
}
