import { PING_INTERVAL_MS } from "#shared/link/guest-link.ts";

/** Of a measured round trip, how much counts towards the estimate (RFC 6298 has 1/8 for its own). */
const ROUND_TRIP_GAIN = 1 / 4;

export type PeerWatchEvents = {
  readonly ping: (payload: Uint8Array) => void;
  /** The smoothed round trip, in milliseconds. */
  readonly roundTrip: (milliseconds: number) => void;
  readonly gone: () => void;
};

/**
 * Pings the peer, measures the round trip and notices when the peer is gone. Time during which
 * nothing was read from it does not count. Owns a timer: whoever makes one closes it.
 */
export class PeerWatch implements Disposable {
  readonly #events: PeerWatchEvents;
  readonly #timeoutMs: number;
  readonly #timer: NodeJS.Timeout;
  #pingNumber = 0;
  #pingSent = 0;
  #silence = 0;
  #reading = true;
  #roundTrip: number | undefined;

  constructor(events: PeerWatchEvents, timeoutMs: number) {
    this.#events = events;
    this.#timeoutMs = timeoutMs;
    this.#timer = setInterval(() => this.#beat(), PING_INTERVAL_MS);
    this.#ping();
  }

  /** The peer sent something. */
  heard(): void {
    this.#silence = 0;
  }

  set reading(reading: boolean) {
    this.#reading = reading;
    this.#silence = 0;
    // A pong that waited behind unread data tells nothing of the way.
    if (!reading) this.#pingNumber++;
  }

  pong(payload: Uint8Array): void {
    this.heard();
    if (payload.length !== 4) return;
    const number = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true);
    if (number !== this.#pingNumber) return;
    const measured = performance.now() - this.#pingSent;
    this.#roundTrip =
      this.#roundTrip === undefined
        ? measured
        : this.#roundTrip + (measured - this.#roundTrip) * ROUND_TRIP_GAIN;
    this.#pingNumber++; // A second pong to the same ping is not a measurement.
    this.#events.roundTrip(this.#roundTrip);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #beat(): void {
    if (this.#reading) this.#silence += PING_INTERVAL_MS;
    if (this.#silence > this.#timeoutMs) this.#events.gone();
    else this.#ping();
  }

  #ping(): void {
    this.#pingNumber = (this.#pingNumber + 1) >>> 0;
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(this.#pingNumber, 0);
    this.#pingSent = performance.now();
    this.#events.ping(payload);
  }
}
