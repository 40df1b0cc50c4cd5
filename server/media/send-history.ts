import { MAX_RTP_PAYLOAD_BYTES } from "./h264.ts";
import { MAX_ACCESS_UNIT_BYTES } from "./messages.ts";

/** A packet as it left, to send it again. */
export type SentPacket = {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  /** Shared with the session's other viewers. */
  readonly payload: Buffer;
  /** Milliseconds, monotonic. */
  readonly sentAt: number;
  resentAt: number;
};

/** The least power of two that holds the largest key frame. */
const SLOTS = 2 ** Math.ceil(Math.log2(MAX_ACCESS_UNIT_BYTES / MAX_RTP_PAYLOAD_BYTES));

/** Payloads kept, in bytes: the largest key frame. Bounds the thread's memory for one viewer. */
export const MAX_BYTES = MAX_ACCESS_UNIT_BYTES;

/** A viewer asks for a packet at most ten times, a round trip apart; later it asks for a key frame. */
export const MAX_AGE_MS = 3000;

/** The packets that left last, by RTP number, for retransmission (RFC 4588). */
export class SendHistory {
  readonly #slots: (SentPacket | undefined)[] = [];
  #bytes = 0;
  #oldest: number | undefined;
  #latest: SentPacket | undefined;

  get latest(): SentPacket | undefined {
    return this.#latest;
  }

  /** Numbers must follow one another, modulo 65,536. */
  add(packet: SentPacket): void {
    this.#drop(packet.sequence);
    this.#slots[packet.sequence % SLOTS] = packet;
    this.#bytes += packet.payload.length;
    this.#latest = packet;
    this.#oldest ??= packet.sequence;
    while (this.#oldest !== packet.sequence) {
      const oldest = this.get(this.#oldest);
      const isStale = oldest !== undefined && oldest.sentAt < packet.sentAt - MAX_AGE_MS;
      if (!isStale && this.#bytes <= MAX_BYTES) return;
      this.#drop(this.#oldest);
    }
  }

  get(sequence: number): SentPacket | undefined {
    const packet = this.#slots[sequence % SLOTS];
    return packet?.sequence === sequence ? packet : undefined;
  }

  /** Empties the slot of `sequence`, whichever packet stands in it. */
  #drop(sequence: number): void {
    const packet = this.#slots[sequence % SLOTS];
    if (packet === undefined) return;
    this.#slots[sequence % SLOTS] = undefined;
    this.#bytes -= packet.payload.length;
    if (packet.sequence === this.#oldest) this.#oldest = (this.#oldest + 1) & 0xffff;
  }
}
