import { ProtocolError } from "#shared/wire/errors.ts";
import { ACKNOWLEDGE_EVERY_BYTES } from "./guest-link.ts";

/** One direction of a resumable link at its receiver: what came, what went on, and when to say so. */
export class ReceiveWindow {
  readonly #limit: number;
  #received = 0;
  #passedOn = 0;
  #acknowledged = 0;

  /** `limit` is the bytes that the other side may send beyond those acknowledged. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes since the beginning of the link. */
  get received(): number {
    return this.#received;
  }

  /** Throws ProtocolError where the other side sends more than it may. */
  receive(bytes: number): void {
    this.#received += bytes;
    const open = this.#received - this.#acknowledged;
    if (open > this.#limit) {
      throw new ProtocolError(
        `${open} bytes came beyond those acknowledged, over the limit (${this.#limit}).`,
      );
    }
  }

  /** Bytes went on. Returns the count to acknowledge, where that is due. */
  passOn(bytes: number): number | undefined {
    this.#passedOn += bytes;
    if (this.#passedOn - this.#acknowledged < ACKNOWLEDGE_EVERY_BYTES) return undefined;
    return this.acknowledge();
  }

  /** The count to acknowledge now: after a break, for what was said before it may be lost. */
  acknowledge(): number {
    this.#acknowledged = this.#passedOn;
    return this.#acknowledged;
  }
}
