import { decodeInput } from "#shared/input/codec.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import type { Connection } from "./connection.ts";

/** The operator's picture area. */
export type SurfaceSize = {
  /** Device pixels. */
  readonly width: number;
  readonly height: number;
  readonly devicePixelRatio: number;
};

const RESIZE_BYTES = 8;

/** What the operator does, on its way into the program. */
export class InputPort {
  readonly #reportException: (error: unknown) => void;
  #inputListener: ((event: InputEvent) => void) | undefined;
  #resizeListener: ((size: SurfaceSize) => void) | undefined;
  /** The last size that came while nobody listened. */
  #missedSize: SurfaceSize | undefined;

  constructor(connection: Connection, reportException: (error: unknown) => void) {
    this.#reportException = reportException;
    connection.onFrame("input", (payload) => this.#onInput(payload));
    connection.onFrame("resize", (payload) => this.#onResize(payload));
  }

  /** One listener: another takes its place. Input that comes while there is none is lost. */
  onInput(listener: (event: InputEvent) => void): void {
    this.#inputListener = listener;
  }

  onResize(listener: (size: SurfaceSize) => void): void {
    this.#resizeListener = listener;
    const missed = this.#missedSize;
    this.#missedSize = undefined;
    if (missed !== undefined) this.#call(listener, missed);
  }

  #onInput(payload: Uint8Array): void {
    const event = decodeInput(payload);
    if (this.#inputListener !== undefined) this.#call(this.#inputListener, event);
  }

  #onResize(payload: Uint8Array): void {
    if (payload.length !== RESIZE_BYTES) {
      throw new ProtocolError(`A resize has ${payload.length} bytes, not ${RESIZE_BYTES}.`);
    }
    const view = new DataView(payload.buffer, payload.byteOffset, RESIZE_BYTES);
    const size = {
      width: view.getUint16(0, true),
      height: view.getUint16(2, true),
      devicePixelRatio: view.getFloat32(4, true),
    };
    if (this.#resizeListener === undefined) this.#missedSize = size;
    else this.#call(this.#resizeListener, size);
  }

  #call<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value);
    } catch (error) {
      this.#reportException(error);
    }
  }
}
