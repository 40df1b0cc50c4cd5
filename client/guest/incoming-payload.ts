import { ProtocolError } from "#shared/wire/errors.ts";
import { MAX_PAYLOAD_BYTES } from "#shared/wire/limits.ts";

/** Gathers the payload that went before the reply that takes it. */
export class IncomingPayload {
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  /** A payloadBegin frame: f64le total. */
  begin(frame: Uint8Array): void {
    if (frame.length !== 8)
      throw new ProtocolError(`A payloadBegin has ${frame.length} bytes, not 8.`);
    const total = new DataView(frame.buffer, frame.byteOffset, 8).getFloat64(0, true);
    if (!Number.isInteger(total) || total < 0 || total > MAX_PAYLOAD_BYTES) {
      throw new ProtocolError(
        `A payload (${total} bytes) is over the limit (${MAX_PAYLOAD_BYTES}).`,
      );
    }
    this.#bytes = new Uint8Array(total);
    this.#filled = 0;
  }

  append(chunk: Uint8Array): void {
    if (this.#bytes === undefined || this.#filled + chunk.length > this.#bytes.length) {
      throw new ProtocolError("A payload chunk goes past the end of its payload.");
    }
    this.#bytes.set(chunk, this.#filled);
    this.#filled += chunk.length;
  }

  takePayload(length: number): Uint8Array {
    const bytes = this.#bytes;
    if (bytes === undefined || this.#filled !== length || bytes.length !== length) {
      throw new ProtocolError(`A reply takes a payload of ${length} bytes, which is not there.`);
    }
    this.#bytes = undefined;
    return bytes;
  }
}
