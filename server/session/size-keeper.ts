import type { Profile } from "#server/config/config.ts";
import type { ResizeInput } from "#shared/input/events.ts";
import { boundedSize, type PictureSize } from "./picture-size.ts";

/** A window that is dragged larger resizes many times; the program is told when it rests. */
const RESIZE_DEBOUNCE_MS = 150;

const DEFAULT_SIZE = { width: 1280, height: 720, devicePixelRatio: 1 };
/** On a software GPU a small scene, lit and shadowed, makes about 30 frames a second at this size on two cores. */
const DEFAULT_SOFTWARE_SIZE = { width: 640, height: 360, devicePixelRatio: 1 };

export type SizeKeeperOptions = {
  /** What the deciding viewer wants. */
  readonly wish: () => ResizeInput | undefined;
  readonly profile: () => Profile;
  /** Of the GPU that the session draws on; false while that is not known. */
  readonly isSoftware: () => boolean;
  readonly changed: (size: PictureSize) => void;
};

/** The size that a session's programs draw at. Owns a timer. */
export class SizeKeeper {
  readonly #options: SizeKeeperOptions;
  #size: PictureSize | undefined;
  /** What programs were told last. */
  #told: PictureSize | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SizeKeeperOptions) {
    this.#options = options;
  }

  /** For a program that comes in. */
  tell(): PictureSize {
    this.#told = this.#current;
    return this.#told;
  }

  get #current(): PictureSize {
    if (this.#size !== undefined) return this.#size;
    const profile = this.#options.profile();
    if (profile.size !== undefined) return { ...profile.size, devicePixelRatio: 1 };
    // Larger ones are not shown.
    const usual = this.#options.isSoftware() ? DEFAULT_SOFTWARE_SIZE : DEFAULT_SIZE;
    return { ...boundedSize(usual, profile), devicePixelRatio: 1 };
  }

  /** The wish changed, and may change again in a moment. */
  wished(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.settle(), RESIZE_DEBOUNCE_MS);
  }

  /** Brings the size in line with wish and profile at once. */
  settle(): void {
    const wish = this.#options.wish() ?? this.#size;
    // Kept even where it is today's default, which differs once the worker knows its GPU.
    if (wish !== undefined) this.#size = boundedSize(wish, this.#options.profile());
    const last = this.#told;
    const size = this.tell();
    const isSame =
      size.width === last?.width &&
      size.height === last.height &&
      size.devicePixelRatio === last.devicePixelRatio;
    if (!isSame) this.#options.changed(size);
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
