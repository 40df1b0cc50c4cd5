import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import type { Connection, ProgramLink } from "#server/session/connection.ts";
import type { Session } from "#server/session/session.ts";
import { encodeInput } from "#shared/input/codec.ts";
import { CloseCode, MAX_DOWN_MESSAGE_BYTES } from "#shared/link/guest-link.ts";
import { DownFrame, FIRST_GATEWAY_FRAME, frame, FrameReader } from "#shared/wire/frames.ts";
import type { BufferCollector } from "./buffer-collector.ts";
import { PeerWatch } from "./peer-watch.ts";

/** Unsent bytes at which the worker's data socket is paused, and at which it goes on. */
const HIGH_WATER_BYTES = 2 * MAX_DOWN_MESSAGE_BYTES;
const LOW_WATER_BYTES = MAX_DOWN_MESSAGE_BYTES / 2;
/**
 * Unsent bytes past which input is dropped. Bounds the gateway's memory for an operator who goes on
 * while the program reads nothing.
 */
const MAX_UNSENT_WITH_INPUT = HIGH_WATER_BYTES + 64 * 1024;

const FIRST_WORKER_FRAME = DownFrame.welcome;

/** A worker that ended a connection gets so long to say why. */
const REASON_MS = 1_000;
const UNTOLD = "The GPU worker ended this program's connection.";

/** Joins one program's WebSocket and its data socket at the worker. Owns both; decodes neither. */
export class GuestLink implements ProgramLink {
  readonly #ws: WebSocket;
  readonly #data: Socket;
  readonly #connection: Connection;
  readonly #session: Session;
  readonly #watch: PeerWatch;
  readonly #collector: BufferCollector;
  readonly #down = new FrameReader();
  /** Gateway frames wait for the worker's welcome: it is the first frame that a program expects. */
  #welcomed = false;
  #refused = false;
  #workerReason: string | undefined;
  #reasonTimer: NodeJS.Timeout | undefined;
  #inputWasDropped = false;
  #ended = false;

  private constructor(
    ws: WebSocket,
    connection: Connection,
    session: Session,
    collector: BufferCollector,
  ) {
    this.#collector = collector;
    this.#ws = ws;
    this.#data = connection.data;
    this.#connection = connection;
    this.#session = session;
    this.#watch = new PeerWatch({
      ping: (payload) => this.#whileOpen(() => ws.ping(payload)),
      roundTrip: (milliseconds) => connection.ticks.setRoundTrip(milliseconds),
      gone: () => this.#lose("The relay did not answer any more."),
    });
  }

  /** The link lives until either side ends; nobody needs to hold it. */
  static join(
    ws: WebSocket,
    connection: Connection,
    session: Session,
    collector: BufferCollector,
  ): void {
    const link = new GuestLink(ws, connection, session, collector);
    link.#pumpUp();
    link.#pumpDown();
    connection.attach(link);
  }

  send(kind: number, payload: Uint8Array): void {
    if (this.#welcomed) this.#whileOpen(() => this.#ws.send(frame(kind, payload)));
  }

  sendInput(event: Uint8Array): void {
    if (this.#ws.bufferedAmount > MAX_UNSENT_WITH_INPUT) {
      this.#inputWasDropped = true;
      return;
    }
    if (this.#inputWasDropped) {
      // A release may be among what was dropped: the program lets go of everything.
      this.#inputWasDropped = false;
      this.send(DownFrame.input, encodeInput({ type: "blur" }));
    }
    this.send(DownFrame.input, event);
  }

  end(sentence: string): void {
    this.#close(CloseCode.goingAway, sentence);
  }

  workerEnded(reason: string): void {
    this.#workerReason = reason;
    if (this.#data.readableEnded) this.#workerHungUp();
  }

  #pumpUp(): void {
    const ws = this.#ws;
    const data = this.#data;
    ws.on("message", (message: RawData, isBinary: boolean) => {
      if (this.#ended) return;
      this.#watch.heard();
      if (!isBinary || !Buffer.isBuffer(message)) {
        this.#close(CloseCode.policy, "A text message came where messages are binary.");
        return;
      }
      // The worker's full pipe stops the relay, and through it the program: nothing gathers here.
      if (data.writable && !data.write(message)) this.#setReading(false);
      this.#collector.forwarded(message.length);
    });
    data.on("drain", () => this.#setReading(true));
    ws.on("ping", () => this.#watch.heard());
    ws.on("pong", (payload: Buffer) => this.#watch.pong(payload));
    ws.on("error", () => {
      // The library closes the socket with a code and GuestSocket's words; "close" follows.
    });
    ws.on("close", (code: number, reason: Buffer) => {
      const orderly = code === CloseCode.normal;
      const words = reason.length === 0 ? "" : `: ${reason.toString()}`;
      this.#finish(orderly ? "The program ended." : `The link closed (${code}${words})`, orderly);
    });
  }

  #pumpDown(): void {
    const data = this.#data;
    data.on("data", (chunk: Buffer) => {
      this.#collector.forwarded(chunk.length);
      try {
        for (const { kind, payload } of this.#down.push(chunk)) this.#forward(kind, payload);
      } catch (error) {
        this.#session.workerFault(error instanceof Error ? error.message : String(error));
      }
    });
    data.on("error", () => data.destroy());
    data.on("end", () => this.#workerHungUp());
    data.on("close", () => this.#workerHungUp());
    data.resume();
  }

  #forward(kind: number, payload: Uint8Array): void {
    if (kind < FIRST_WORKER_FRAME || kind >= FIRST_GATEWAY_FRAME) {
      throw new Error(`a frame to a program has kind ${kind}, which is not a worker's to send.`);
    }
    if (this.#ended) return;
    if (kind === DownFrame.refused) this.#refused = true;
    this.#whileOpen(() => {
      this.#ws.send(frame(kind, payload), () => {
        if (this.#ws.bufferedAmount <= LOW_WATER_BYTES) this.#data.resume();
      });
      if (this.#ws.bufferedAmount > HIGH_WATER_BYTES) this.#data.pause();
    });
    if (kind === DownFrame.welcome && !this.#welcomed) {
      this.#welcomed = true;
      this.#session.welcomed(this.#connection);
    }
  }

  #setReading(reading: boolean): void {
    this.#watch.reading = reading;
    if (reading) this.#ws.resume();
    else this.#ws.pause();
  }

  /** The data socket ended. Why is told on the control socket, or by the end of the process. */
  #workerHungUp(): void {
    if (this.#ended) return;
    if (this.#refused) this.#close(CloseCode.policy, "The GPU worker refused the program.");
    else if (this.#workerReason !== undefined) this.#close(CloseCode.policy, this.#workerReason);
    else this.#reasonTimer ??= setTimeout(() => this.#close(CloseCode.internal, UNTOLD), REASON_MS);
  }

  #close(code: number, sentence: string): void {
    if (this.#ended) return;
    // The worker's own refusal says it better, and was sent before.
    if (!this.#refused) {
      const goodbye = frame(DownFrame.goodbye, Buffer.from(sentence));
      this.#whileOpen(() => this.#ws.send(goodbye));
    }
    this.#finish(sentence, false);
    this.#ws.close(code, sentence);
    this.#ws.resume(); // The peer's half of the closing handshake is still to be read.
  }

  #lose(reason: string): void {
    this.#finish(reason, false);
    this.#ws.terminate();
  }

  #finish(reason: string, orderly: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch.close();
    clearTimeout(this.#reasonTimer);
    if (orderly) this.#data.end();
    else this.#data.destroy();
    this.#data.resume();
    this.#session.release(this.#connection, reason, orderly);
  }

  #whileOpen(action: () => void): void {
    if (this.#ws.readyState === this.#ws.OPEN) action();
  }
}
