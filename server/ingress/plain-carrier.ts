import type { RawData, WebSocket } from "ws";
import { CloseCode, MAX_DOWN_MESSAGE_BYTES, PEER_TIMEOUT_MS } from "#shared/link/guest-link.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";
import { PeerWatch } from "./peer-watch.ts";

/** Unsent bytes at which the worker's data socket goes on. */
const LOW_WATER_BYTES = MAX_DOWN_MESSAGE_BYTES / 2;

/** One WebSocket whose end is the end of the program's connection. */
export class PlainCarrier implements Carrier {
  readonly isAway = false;
  readonly #ws: WebSocket;
  readonly #events: CarrierEvents;
  readonly #watch: PeerWatch;
  #ended = false;

  constructor(ws: WebSocket, events: CarrierEvents) {
    this.#ws = ws;
    this.#events = events;
    this.#watch = new PeerWatch(
      {
        ping: (payload) => this.#whileOpen(() => ws.ping(payload)),
        roundTrip: events.roundTrip,
        gone: () => {
          this.#end("The relay did not answer any more.", false);
          ws.terminate();
        },
      },
      PEER_TIMEOUT_MS,
    );
    this.#listen();
  }

  get held(): number {
    return this.#ws.bufferedAmount;
  }

  send(frame: Uint8Array): void {
    this.#whileOpen(() => {
      this.#ws.send(frame, () => {
        if (this.#ws.bufferedAmount <= LOW_WATER_BYTES) this.#events.drained();
      });
    });
  }

  pipeDrained(): void {
    this.#setReading(true);
  }

  close(code: number, sentence: string, goodbye: Uint8Array | undefined): void {
    if (this.#ended) return;
    if (goodbye !== undefined) this.#whileOpen(() => this.#ws.send(goodbye));
    this.#ended = true;
    this.#watch.close();
    this.#ws.close(code, sentence);
    this.#ws.resume(); // The peer's half of the closing handshake is still to be read.
  }

  #listen(): void {
    const ws = this.#ws;
    ws.on("message", (message: RawData, isBinary: boolean) => {
      if (this.#ended) return;
      this.#watch.heard();
      if (!isBinary || !Buffer.isBuffer(message)) {
        this.#events.breach("A text message came where messages are binary.");
        return;
      }
      // The worker's full pipe stops the relay, and through it the program: nothing gathers here.
      if (!this.#events.up(message, () => {})) this.#setReading(false);
    });
    ws.on("ping", () => this.#watch.heard());
    ws.on("pong", (payload: Buffer) => this.#watch.pong(payload));
    ws.on("error", () => {
      // The library closes the socket with a code and GuestSocket's words; "close" follows.
    });
    ws.on("close", (code: number, reason: Buffer) => {
      const orderly = code === CloseCode.normal;
      this.#end(orderly ? "The program ended." : closedSentence(code, reason), orderly);
    });
  }

  #setReading(reading: boolean): void {
    this.#watch.reading = reading;
    if (reading) this.#ws.resume();
    else this.#ws.pause();
  }

  #end(reason: string, orderly: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.close();
    this.#events.ended(reason, orderly);
  }

  #whileOpen(action: () => void): void {
    if (this.#ws.readyState === this.#ws.OPEN) action();
  }
}

export function closedSentence(code: number, reason: Buffer): string {
  return `The link closed (${code}${reason.length === 0 ? "" : `: ${reason.toString()}`})`;
}
