/** Bindings that WebGPU guarantees to exist by default are far fewer; others are simply not remembered. */
const REMEMBERED_SLOTS = 32;

type Bound<T> = T | null | undefined;

/**
 * What is bound in one open pass or bundle encoder, so that a command that would bind it again can be
 * left out: a call into Dawn costs far more than this comparison, and programs repeat themselves.
 *
 * Leaving out is exact: objects are compared by identity (ids are reused), a repeated binding has no
 * effect, and an error that it would repeat is already kept by the encoder. Once the encoder is ended,
 * each call is an error of its own again, so nothing more is left out.
 */
export class BoundState {
  #isOpen = true;
  #pipeline: Bound<object> = undefined;
  readonly #groups: Bound<object>[] = [];
  readonly #vertexBuffers: VertexBinding[] = [];
  #indexBuffer: Bound<object> = undefined;
  #indexFormat: string = "";
  #indexOffset = 0;
  #indexSize: number | undefined;

  /** True when the pipeline is bound already. Else it counts as bound from here on. */
  hasPipeline(pipeline: object): boolean {
    if (this.#pipeline === pipeline && this.#isOpen) return true;
    this.#pipeline = pipeline;
    return false;
  }

  /** As hasPipeline, for a group without dynamic offsets. */
  hasBindGroup(index: number, group: object | null): boolean {
    if (index >= REMEMBERED_SLOTS || !this.#isOpen) return false;
    if (this.#groups[index] === group) return true;
    this.#groups[index] = group;
    return false;
  }

  /** A group was bound with dynamic offsets: what the slot holds is not remembered. */
  forgetBindGroup(index: number): void {
    if (index < REMEMBERED_SLOTS) this.#groups[index] = undefined;
  }

  hasVertexBuffer(
    slot: number,
    buffer: object | null,
    offset: number,
    size: number | undefined,
  ): boolean {
    if (slot >= REMEMBERED_SLOTS || !this.#isOpen) return false;
    const bound = this.#vertexBuffers[slot];
    if (bound === undefined) {
      this.#vertexBuffers[slot] = { buffer, offset, size };
      return false;
    }
    if (bound.buffer === buffer && bound.offset === offset && bound.size === size) return true;
    bound.buffer = buffer;
    bound.offset = offset;
    bound.size = size;
    return false;
  }

  hasIndexBuffer(
    buffer: object,
    format: string,
    offset: number,
    size: number | undefined,
  ): boolean {
    if (
      this.#indexBuffer === buffer &&
      this.#indexFormat === format &&
      this.#indexOffset === offset &&
      this.#indexSize === size &&
      this.#isOpen
    ) {
      return true;
    }
    this.#indexBuffer = buffer;
    this.#indexFormat = format;
    this.#indexOffset = offset;
    this.#indexSize = size;
    return false;
  }

  /** Bundles were executed, which leaves nothing bound. */
  clear(): void {
    this.#pipeline = undefined;
    this.#groups.length = 0;
    this.#vertexBuffers.length = 0;
    this.#indexBuffer = undefined;
  }

  /** The encoder was ended, or the one that it records into. */
  end(): void {
    this.#isOpen = false;
    this.clear();
  }
}

type VertexBinding = { buffer: Bound<object>; offset: number; size: number | undefined };
