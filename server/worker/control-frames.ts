import { MAX_CONTROL_BYTES } from "./messages.ts";

// A control message is u32le length, then that many bytes of JSON in UTF-8.

export function encodeControl(message: object): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const bytes = Buffer.allocUnsafe(4 + json.length);
  bytes.writeUInt32LE(json.length, 0);
  json.copy(bytes, 4);
  return bytes;
}

/** Cuts a control socket's bytes into JSON values, unchecked. Holds at most one unfinished message. */
export class ControlReader {
  #held: Buffer = Buffer.alloc(0);

  /** Throws when a message is over MAX_CONTROL_BYTES or is not JSON: the socket is of no more use. */
  *push(chunk: Uint8Array): Generator {
    this.#held = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    while (this.#held.length >= 4) {
      const length = this.#held.readUInt32LE(0);
      if (length > MAX_CONTROL_BYTES) {
        throw new Error(
          `A control message (${length} bytes) is over the limit (${MAX_CONTROL_BYTES}).`,
        );
      }
      if (this.#held.length < 4 + length) return;
      const json = this.#held.toString("utf8", 4, 4 + length);
      this.#held = this.#held.subarray(4 + length);
      yield JSON.parse(json) as unknown;
    }
  }
}
