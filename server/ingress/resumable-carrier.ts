import type { RawData, WebSocket } from "ws";
import { formatControl, parseControl, type ResumeRequest } from "#shared/link/control.ts";
import {
  CloseCode,
  KEPT_DOWN_BYTES,
  MAX_DOWN_MESSAGE_BYTES,
  RESUMABLE_PEER_TIMEOUT_MS,
  UP_WINDOW_BYTES,
} from "#shared/link/guest-link.ts";
import { ReceiveWindow } from "#shared/link/receive-window.ts";
import { CHUNK_COST_BYTES, SendBuffer } from "#shared/link/send-buffer.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";
import { PeerWatch } from "./peer-watch.ts";
import { closedSentence } from "./plain-carrier.ts";
import { Refusal } from "./refusal.ts";

/**
 * Held bytes at which the worker's data socket goes on. High, since an acknowledgement takes a round trip
 * more than a byte does: the way would stand empty meanwhile.
 */
const LOW_WATER_BYTES = 1.5 * MAX_DOWN_MESSAGE_BYTES;

export type ResumableOptions = {
  /** What the relay has to know to resume the link. */
  readonly id: string;
  /** A broken link is kept so long. */
  readonly resumeMs: number;
  readonly events: CarrierEvents;
  /** Called before so many bytes more are kept. Links of the session may be given up for them, this one among them. */
  readonly makeRoom: (bytes: number) => void;
  /** The link is over, for whatever reason: its id names nothing any more. */
  readonly forget: () => void;
};

/** A link that outlives its WebSocket: what the relay has not acknowledged is kept and sent again. */
export class ResumableCarrier implements Carrier {
  readonly #options: ResumableOptions;
  readonly #kept = new SendBuffer();
  readonly #window = new ReceiveWindow(UP_WINDOW_BYTES);
  /** Undefined while the link is away. */
  #ws: WebSocket | undefined;
  #watch: PeerWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #awaySince = Infinity;
  #lastAttempt = 0;
  #ended = false;

  constructor(ws: WebSocket, options: ResumableOptions) {
    this.#options = options;
    this.#attach(ws);
    const { id, resumeMs } = options;
    ws.send(formatControl({ type: "link", id, resumeMs }));
  }

  get held(): number {
    return this.#kept.cost;
  }

  get isAway(): boolean {
    return this.#ws === undefined;
  }

  /** By performance.now(); Infinity where it is not away. */
  get awaySince(): number {
    return this.#awaySince;
  }

  /** Ends the link, whether it is away or not. */
  giveUp(sentence: string): void {
    this.#options.events.breach(sentence);
  }

  /** Throws Refusal where the link can't go on as asked. A request that passes is taken by resume(). */
  checkResume({ attempt, received }: ResumeRequest): void {
    if (attempt <= this.#lastAttempt) {
      throw new Refusal(
        409,
        `Attempt ${attempt} to resume the connection comes after attempt ${this.#lastAttempt}, which was let in.`,
      );
    }
    if (!this.#kept.holds(received)) {
      throw new Refusal(
        416,
        `The relay has ${received} bytes of what was sent to the program; the gateway can go on from ` +
          `byte ${this.#kept.acknowledged} to byte ${this.#kept.sent}.`,
      );
    }
  }

  /** Goes on over `ws`, also where the WebSocket before does not know yet that it is broken. */
  resume(ws: WebSocket, { attempt, received }: ResumeRequest): void {
    this.#lastAttempt = attempt;
    const before = this.#detach();
    before?.terminate();
    this.#awaySince = Infinity;
    clearTimeout(this.#timer);
    this.#kept.rewind(received);
    this.#attach(ws);
    ws.send(formatControl({ type: "resume", count: this.#window.received }));
    ws.send(formatControl({ type: "ack", count: this.#window.acknowledge() }));
    this.#sendKept();
    this.#options.events.back();
  }

  send(frame: Uint8Array): void {
    if (this.#ended) return;
    if (this.#kept.cost + frame.length + CHUNK_COST_BYTES > KEPT_DOWN_BYTES) {
      // The worker was paused long before: only frames of the gateway itself come so far.
      this.#options.events.breach(
        `The relay acknowledges too little: over ${KEPT_DOWN_BYTES} bytes wait for it.`,
      );
      return;
    }
    this.#options.makeRoom(frame.length + CHUNK_COST_BYTES);
    this.#keep(frame);
  }

  /** Reading goes on all the while: what the worker has not taken is bounded by the window. */
  pipeDrained(): void {}

  close(code: number, sentence: string, goodbye: Uint8Array | undefined): void {
    if (this.#ended) return;
    const ws = this.#detach();
    this.#end();
    if (ws === undefined) return;
    if (goodbye !== undefined && ws.readyState === ws.OPEN) ws.send(goodbye);
    ws.close(code, sentence);
  }

  #attach(ws: WebSocket): void {
    this.#ws = ws;
    const watch = new PeerWatch(
      {
        ping: (payload) => {
          if (ws.readyState === ws.OPEN) ws.ping(payload);
        },
        roundTrip: this.#options.events.roundTrip,
        gone: () => this.#broke("The relay did not answer any more."),
      },
      RESUMABLE_PEER_TIMEOUT_MS,
    );
    this.#watch = watch;
    const isCurrent = () => this.#ws === ws;
    ws.on("message", (message: RawData, isBinary: boolean) => {
      if (!isCurrent()) return;
      watch.heard();
      if (Buffer.isBuffer(message)) this.#take(message, isBinary);
    });
    ws.on("ping", () => watch.heard());
    ws.on("pong", (payload: Buffer) => watch.pong(payload));
    ws.on("error", () => {
      // The library closes the socket with a code and GuestSocket's words; "close" follows.
    });
    ws.on("close", (code: number, reason: Buffer) => {
      watch.close();
      if (isCurrent()) this.#closed(code, reason);
    });
  }

  #detach(): WebSocket | undefined {
    const ws = this.#ws;
    this.#ws = undefined;
    this.#watch?.close();
    return ws;
  }

  #take(message: Buffer, isBinary: boolean): void {
    try {
      if (isBinary) this.#takeBytes(message);
      else this.#takeControl(message.toString());
    } catch (error) {
      this.#options.events.breach(error instanceof Error ? error.message : String(error));
    }
  }

  #takeBytes(chunk: Buffer): void {
    this.#window.receive(chunk.length);
    this.#options.events.up(chunk, () => {
      const count = this.#window.passOn(chunk.length);
      if (count !== undefined) this.#say(formatControl({ type: "ack", count }));
    });
  }

  #takeControl(text: string): void {
    const message = parseControl(text);
    if (message.type !== "ack") throw new Error(`A relay does not send "${message.type}".`);
    this.#kept.acknowledge(message.count);
    if (this.#kept.cost <= LOW_WATER_BYTES) this.#options.events.drained();
  }

  #keep(frame: Uint8Array): void {
    if (this.#ended) return; // This very link was given up to make room.
    this.#kept.push(frame);
    this.#sendKept();
  }

  #sendKept(): void {
    for (;;) {
      const ws = this.#ws;
      if (ws === undefined || ws.readyState !== ws.OPEN) return;
      const bytes = this.#kept.next(Infinity);
      if (bytes === undefined) return;
      ws.send(bytes);
    }
  }

  #say(text: string): void {
    const ws = this.#ws;
    if (ws !== undefined && ws.readyState === ws.OPEN) ws.send(text);
  }

  /** A WebSocket that ended with a close frame was ended on purpose; any other may come back. */
  #closed(code: number, reason: Buffer): void {
    if (code === CloseCode.abnormal) {
      this.#broke("It ended without a close frame.");
      return;
    }
    this.#detach();
    this.#end();
    const orderly = code === CloseCode.normal;
    const sentence = orderly ? "The program ended." : closedSentence(code, reason);
    this.#options.events.ended(sentence, orderly);
  }

  #broke(reason: string): void {
    this.#detach()?.terminate();
    if (this.#ended) return;
    this.#awaySince = performance.now();
    const { resumeMs, events } = this.#options;
    this.#timer = setTimeout(() => {
      this.#end();
      events.ended(`The link broke and did not come back within ${resumeMs / 1000} s.`, false);
    }, resumeMs);
    events.away(reason);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.forget();
  }
}
