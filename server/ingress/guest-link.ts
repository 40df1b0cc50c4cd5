import type { Socket } from "node:net";
import type { RecordingFile } from "#server/recording/recording-file.ts";
import type { Connection, ProgramLink } from "#server/session/connection.ts";
import type { Session } from "#server/session/session.ts";
import { encodeInput } from "#shared/input/codec.ts";
import { CloseCode, MAX_DOWN_MESSAGE_BYTES } from "#shared/link/guest-link.ts";
import type { TokenBucket } from "#shared/base/token-bucket.ts";
import {
  DownFrame,
  FIRST_GATEWAY_FRAME,
  type Frame,
  frame,
  FrameReader,
} from "#shared/wire/frames.ts";
import type { BufferCollector } from "./buffer-collector.ts";
import type { Carrier, CarrierEvents } from "./carrier.ts";
import { hearOut } from "./last-words.ts";

/** Held bytes at which the worker's data socket is paused. */
const HIGH_WATER_BYTES = 2 * MAX_DOWN_MESSAGE_BYTES;
/**
 * Held bytes past which input is dropped. Bounds the gateway's memory for an operator who goes on
 * while the program reads nothing.
 */
export const MAX_HELD_WITH_INPUT = HIGH_WATER_BYTES + 64 * 1024;

/** A worker whose session is over its rate of frames waits so long for the next ones. */
const REST_MS = 20;

const FIRST_WORKER_FRAME = DownFrame.welcome;

/** A worker that ended a connection gets so long to say why. */
const REASON_MS = 1_000;
const UNTOLD = "The GPU worker ended this program's connection.";

/** Makes the way to the program; it lives until it ends or is closed. */
export type MakeCarrier = (events: CarrierEvents) => Carrier;

/** What a session is told of its program's link. */
type LinkSession = Pick<
  Session,
  "programAway" | "programBack" | "release" | "welcomed" | "workerFault"
>;

export type GuestLinkSurroundings = {
  readonly session: LinkSession;
  readonly collector: BufferCollector;
  /** Of the frames that the session's programs get together. */
  readonly rate: TokenBucket;
  /** What keeps the program's bytes, if anything does. Not owned: it ends with what the worker says. */
  readonly recording: RecordingFile | undefined;
};

/** Joins one program's carrier and its data socket at the worker. Owns both; decodes neither. */
export class GuestLink implements ProgramLink {
  readonly #carrier: Carrier;
  readonly #data: Socket;
  readonly #connection: Connection;
  readonly #session: LinkSession;
  readonly #collector: BufferCollector;
  readonly #recording: RecordingFile | undefined;
  readonly #rate: TokenBucket;
  readonly #down = new FrameReader();
  /** Of a chunk whose other frames wait: the session is over its rate. */
  #restTimer: NodeJS.Timeout | undefined;
  /** Gateway frames wait for the worker's welcome: it is the first frame that a program expects. */
  #welcomed = false;
  #refused = false;
  #workerReason: string | undefined;
  #reasonTimer: NodeJS.Timeout | undefined;
  #inputWasDropped = false;
  #ended = false;

  private constructor(
    makeCarrier: MakeCarrier,
    connection: Connection,
    { session, collector, rate, recording }: GuestLinkSurroundings,
  ) {
    this.#collector = collector;
    this.#rate = rate;
    this.#recording = recording;
    this.#data = connection.data;
    this.#connection = connection;
    this.#session = session;
    this.#carrier = makeCarrier({
      up: (chunk, passedOn) => this.#forwardUp(chunk, passedOn),
      drained: () => this.#readOn(),
      roundTrip: (milliseconds) => connection.ticks.setRoundTrip(milliseconds),
      away: (reason) => session.programAway(connection, reason),
      back: () => this.#back(),
      breach: (sentence) => this.#close(CloseCode.policy, sentence),
      ended: (reason, orderly) => this.#finish(reason, orderly),
    });
  }

  /** The link lives until either side ends; nobody needs to hold it. `rate` is of the session's frames down. */
  static join(
    makeCarrier: MakeCarrier,
    connection: Connection,
    surroundings: GuestLinkSurroundings,
  ): void {
    const link = new GuestLink(makeCarrier, connection, surroundings);
    link.#pumpDown();
    connection.attach(link);
  }

  send(kind: number, payload: Uint8Array): void {
    if (this.#welcomed && !this.#ended) this.#carrier.send(frame(kind, payload));
  }

  sendInput(event: Uint8Array): void {
    // Nor does a program get what was meant for the picture of half a minute ago.
    if (this.#carrier.isAway || this.#carrier.held > MAX_HELD_WITH_INPUT) {
      this.#inputWasDropped = true;
      return;
    }
    this.#letGo();
    this.send(DownFrame.input, event);
  }

  end(sentence: string): void {
    this.#close(CloseCode.goingAway, sentence);
  }

  workerEnded(reason: string): void {
    this.#workerReason = reason;
    if (this.#data.readableEnded) this.#workerHungUp();
  }

  /** A release may be among the input that was dropped: the program lets go of everything. */
  #letGo(): void {
    if (!this.#inputWasDropped) return;
    this.#inputWasDropped = false;
    this.send(DownFrame.input, encodeInput({ type: "blur" }));
  }

  #back(): void {
    this.#session.programBack(this.#connection);
    this.#letGo();
  }

  #forwardUp(chunk: Buffer, passedOn: () => void): boolean {
    if (this.#ended || !this.#data.writable) return true;
    const more = this.#data.write(chunk, (error) => {
      if (error === null || error === undefined) passedOn();
    });
    this.#recording?.up(chunk);
    this.#collector.forwarded(chunk.length);
    return more;
  }

  #pumpDown(): void {
    const data = this.#data;
    data.on("data", (chunk: Buffer) => {
      if (this.#ended) return;
      this.#collector.forwarded(chunk.length);
      this.#forwardDown(this.#down.push(chunk));
    });
    data.on("drain", () => this.#carrier.pipeDrained());
    data.on("error", () => data.destroy());
    data.on("end", () => this.#workerHungUp());
    data.on("close", () => this.#workerHungUp());
    data.resume();
  }

  /** Each frame is a message, also where many come in few bytes: past the session's rate they and the worker wait. */
  #forwardDown(frames: Generator<Frame>): void {
    try {
      for (let next = frames.next(); next.done !== true; next = frames.next()) {
        this.#forward(next.value.kind, next.value.payload);
        if (this.#ended) return;
        if (this.#rate.take(performance.now())) continue;
        this.#data.pause();
        this.#restTimer = setTimeout(() => {
          this.#restTimer = undefined;
          this.#forwardDown(frames);
          if (this.#carrier.held <= HIGH_WATER_BYTES) this.#readOn();
        }, REST_MS);
        return;
      }
    } catch (error) {
      this.#session.workerFault(error instanceof Error ? error.message : String(error));
    }
  }

  #readOn(): void {
    if (this.#restTimer === undefined) this.#data.resume();
  }

  #forward(kind: number, payload: Uint8Array): void {
    if (kind < FIRST_WORKER_FRAME || kind >= FIRST_GATEWAY_FRAME) {
      throw new Error(`a frame to a program has kind ${kind}, which is not a worker's to send.`);
    }
    if (this.#ended) return;
    if (kind === DownFrame.refused) this.#refused = true;
    this.#carrier.send(frame(kind, payload));
    if (this.#carrier.held > HIGH_WATER_BYTES) this.#data.pause();
    if (kind === DownFrame.welcome && !this.#welcomed) {
      this.#welcomed = true;
      this.#session.welcomed(this.#connection);
    }
  }

  /** The data socket ended. Why is told on the control socket, or by the end of the process. */
  #workerHungUp(): void {
    if (this.#ended) return;
    if (this.#workerReason !== undefined) this.#close(CloseCode.policy, this.#workerReason);
    else this.#reasonTimer ??= setTimeout(() => this.#closeUntold(), REASON_MS);
  }

  #closeUntold(): void {
    if (this.#refused) this.#close(CloseCode.policy, "The GPU worker refused the program.");
    else this.#close(CloseCode.internal, UNTOLD);
  }

  #close(code: number, sentence: string): void {
    if (this.#ended) return;
    // The worker's own refusal says it better, and was sent before.
    const goodbye = this.#refused ? undefined : frame(DownFrame.goodbye, Buffer.from(sentence));
    this.#finish(sentence, false);
    this.#carrier.close(code, sentence, goodbye);
  }

  #finish(reason: string, orderly: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#reasonTimer);
    clearTimeout(this.#restTimer);
    if (orderly) hearOut(this.#data);
    else this.#data.destroy();
    this.#session.release(this.#connection, reason, orderly);
  }
}
