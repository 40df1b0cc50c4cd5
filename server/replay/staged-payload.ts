import { ProtocolError } from "#shared/wire/errors.ts";
import { MAX_PAYLOAD_BYTES, PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";
import type { Ledger } from "./memory-ledger.ts";

/** The bulk data that a guest has sent ahead of the command that takes it: one payload at a time. */
export class StagedPayload {
  readonly #memory: Ledger;
  #bytes: Uint8Array | undefined;
  #filled = 0;

  /** A payload is charged to `memory` until it is taken. */
  constructor(memory: Ledger) {
    this.#memory = memory;
  }

  /** Opens a payload of `total` bytes. The limit is checked before the memory is taken. */
  begin(total: number): void {
    if (this.#bytes !== undefined) {
      throw new ProtocolError(
        `A payload of ${total} bytes begins while one of ${this.#bytes.length} is staged.`,
      );
    }
    if (!Number.isInteger(total) || total < 0 || total > MAX_PAYLOAD_BYTES) {
      throw new ProtocolError(
        `A payload's length (${total} bytes) is outside 0..${MAX_PAYLOAD_BYTES}.`,
      );
    }
    if (!this.#memory.take(total)) {
      throw new ProtocolError(
        `A payload of ${total} bytes begins while ${this.#memory.used} of the session's ${this.#memory.quota} bytes of host memory are in use.`,
      );
    }
    this.#bytes = new Uint8Array(total);
    this.#filled = 0;
  }

  chunk(bytes: Uint8Array): void {
    if (this.#bytes === undefined) {
      throw new ProtocolError(`A payload chunk of ${bytes.length} bytes belongs to no payload.`);
    }
    if (bytes.length > PAYLOAD_CHUNK_BYTES) {
      throw new ProtocolError(
        `A payload chunk (${bytes.length} bytes) is over the limit (${PAYLOAD_CHUNK_BYTES}).`,
      );
    }
    const { length } = this.#bytes;
    if (bytes.length > length - this.#filled) {
      throw new ProtocolError(
        `A payload chunk of ${bytes.length} bytes is over the ${length - this.#filled} still missing of ${length}.`,
      );
    }
    this.#bytes.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Hands over the staged payload, which must be whole and, where given, have this length. */
  take(length?: number): Uint8Array {
    const bytes = this.#bytes;
    if (bytes === undefined)
      throw new ProtocolError("A command takes a payload and none is staged.");
    if (this.#filled < bytes.length) {
      throw new ProtocolError(
        `A command takes a payload of ${bytes.length} bytes of which ${this.#filled} have arrived.`,
      );
    }
    if (length !== undefined && length !== bytes.length) {
      throw new ProtocolError(
        `A command takes a payload of ${length} bytes, and ${bytes.length} are staged.`,
      );
    }
    this.drop();
    return bytes;
  }

  drop(): void {
    this.#memory.give(this.#bytes?.length ?? 0);
    this.#bytes = undefined;
  }
}
