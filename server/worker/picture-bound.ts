type Size = { readonly width: number; readonly height: number };

/**
 * So long pictures of the size before are taken after the bound was lowered: the program is told its new size at the same
 * time, which has its way to go, and draws at the old one until then. In milliseconds.
 */
export const RESIZE_GRACE_MS = 5_000;

/** The largest picture that a session may show. Time is the caller's, in milliseconds. */
export class PictureBound {
  #bound: Size | undefined;
  #before: { readonly bound: Size | undefined; readonly until: number } | undefined;

  /** Undefined: H.264's own is the only one. The first bound counts at once. */
  set(bound: Size | undefined, now: number): void {
    const former = this.#bound;
    if (former?.width === bound?.width && former?.height === bound?.height) return;
    if (former !== undefined) this.#before = { bound: former, until: now + RESIZE_GRACE_MS };
    this.#bound = bound;
  }

  admits(picture: Size, now: number): boolean {
    if (fits(picture, this.#bound)) return true;
    return (
      this.#before !== undefined && now < this.#before.until && fits(picture, this.#before.bound)
    );
  }
}

function fits({ width, height }: Size, bound: Size | undefined): boolean {
  return bound === undefined || (width <= bound.width && height <= bound.height);
}
