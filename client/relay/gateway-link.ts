import { setTimeout as delay } from "node:timers/promises";
import type { RawData, WebSocket } from "ws";
import { formatControl, parseControl, type ResumeRequest } from "#shared/link/control.ts";
import {
  CloseCode,
  KEPT_DOWN_BYTES,
  KEPT_UP_BYTES,
  UP_WINDOW_BYTES,
} from "#shared/link/guest-link.ts";
import { ReceiveWindow } from "#shared/link/receive-window.ts";
import { SendBuffer } from "#shared/link/send-buffer.ts";
import { Backoff } from "./backoff.ts";
import { isLasting } from "./dial.ts";
import { PeerWatch } from "./peer-watch.ts";

/** The gateway's half of the closing handshake is waited for this long. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Between two attempts to resume, at most: a program waits all the while. */
const LAST_RESUME_DELAY_MS = 500;

export type GatewayLinkEvents = {
  /** One frame for the program; `passedOn` is called once its socket took it. */
  readonly down: (frame: Buffer, passedOn: () => void) => void;
  /** The gateway has taken some of what was kept. */
  readonly drained: () => void;
  /** Told once: nothing comes or goes any more. The sentence says why. */
  readonly ended: (sentence: string) => void;
};

/** Dials the gateway for a link that broke. Throws GatewayError or RelayError. */
export type Redial = (request: ResumeRequest, signal: AbortSignal) => Promise<WebSocket>;

/**
 * One program's way to the gateway, which outlives its WebSockets: when one breaks, the next goes on
 * where it stopped. Owns the WebSocket that it is given and those that it dials.
 */
export class GatewayLink {
  readonly #events: GatewayLinkEvents;
  readonly #redial: Redial;
  readonly #kept = new SendBuffer();
  readonly #window = new ReceiveWindow(KEPT_DOWN_BYTES);
  readonly #closing = new AbortController();
  #ws: WebSocket | undefined;
  /** What resumes the link, once the gateway has said it. */
  #identity: { readonly id: string; readonly resumeMs: number } | undefined;
  /** When the link broke, until it is resumed. */
  #brokenSince: number | undefined;
  #attempt = 0;
  #isFinishing = false;
  #ended = false;

  constructor(ws: WebSocket, redial: Redial, events: GatewayLinkEvents) {
    this.#redial = redial;
    this.#events = events;
    this.#attach(ws);
  }

  /** As much is kept as may be: the program has to wait for `drained`. */
  get isFull(): boolean {
    return this.#kept.cost >= KEPT_UP_BYTES;
  }

  /** Owns the chunk. */
  send(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#kept.push(chunk);
    this.#pump();
  }

  /** The program sends no more: the link ends in order once the gateway was sent all. */
  finish(): void {
    this.#isFinishing = true;
    this.#pump();
  }

  /** Ends the link now; the sentence is told by `ended`. Idempotent. */
  end(sentence: string): void {
    this.#closing.abort();
    const ws = this.#ws;
    if (ws !== undefined && ws.readyState === ws.OPEN) this.#close(ws);
    this.#end(sentence);
  }

  #attach(ws: WebSocket): void {
    this.#ws = ws;
    const watch = new PeerWatch(ws);
    ws.on("error", () => {}); // "close" follows, and tells more.
    ws.on("message", (message: RawData, isBinary: boolean) => {
      if (this.#ended || !Buffer.isBuffer(message)) return;
      try {
        if (isBinary) this.#takeFrame(message);
        else this.#takeControl(message.toString());
      } catch (error) {
        this.end(`The gateway broke the link's rules: ${messageOf(error)}`);
      }
    });
    ws.once("close", (code: number, reason: Buffer) => {
      watch.close();
      this.#ws = undefined;
      this.#closed(code, reason.toString());
    });
    ws.resume();
    this.#pump();
  }

  #takeFrame(frame: Buffer): void {
    this.#window.receive(frame.length);
    this.#events.down(frame, () => {
      const count = this.#window.passOn(frame.length);
      if (count !== undefined) this.#say(formatControl({ type: "ack", count }));
    });
  }

  #takeControl(text: string): void {
    const message = parseControl(text);
    switch (message.type) {
      case "link":
        if (this.#identity !== undefined) throw new Error("It names the link twice.");
        this.#identity = message;
        return;
      case "resume":
        if (this.#brokenSince === undefined) throw new Error("It resumes what did not break.");
        this.#brokenSince = undefined;
        this.#kept.rewind(message.count);
        this.#say(formatControl({ type: "ack", count: this.#window.acknowledge() }));
        this.#pump();
        return;
      case "ack":
        this.#kept.acknowledge(message.count);
        this.#pump();
        if (!this.isFull) this.#events.drained();
    }
  }

  /** Sends what is kept, as far as the gateway's window goes, and closes the link when that was the last. */
  #pump(): void {
    const ws = this.#ws;
    if (ws === undefined || ws.readyState !== ws.OPEN || this.#brokenSince !== undefined) return;
    const kept = this.#kept;
    for (;;) {
      const bytes = kept.next(UP_WINDOW_BYTES - (kept.sent - kept.acknowledged));
      if (bytes === undefined) break;
      ws.send(bytes);
    }
    if (this.#isFinishing && kept.sent === kept.end) this.#close(ws);
  }

  #say(text: string): void {
    const ws = this.#ws;
    if (ws !== undefined && ws.readyState === ws.OPEN) ws.send(text);
  }

  #close(ws: WebSocket): void {
    ws.close(CloseCode.normal);
    const timer = setTimeout(() => {
      this.#closing.abort();
      ws.terminate();
    }, CLOSE_TIMEOUT_MS);
    ws.once("close", () => clearTimeout(timer));
  }

  /** A WebSocket that ended with a close frame was ended on purpose; any other broke. */
  #closed(code: number, reason: string): void {
    if (this.#ended) return;
    const words = reason === "" ? `code ${code}` : reason;
    const sentence = `The link to the gateway broke (${words}).`;
    if (code !== CloseCode.abnormal || this.#identity === undefined) this.#end(sentence);
    else if (this.#closing.signal.aborted) this.#end(sentence);
    else void this.#resume(this.#identity);
  }

  async #resume({ id, resumeMs }: { readonly id: string; resumeMs: number }): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff(Math.random, LAST_RESUME_DELAY_MS);
    this.#brokenSince ??= performance.now();
    const deadline = this.#brokenSince + resumeMs;
    for (;;) {
      const left = deadline - performance.now();
      try {
        await delay(Math.min(backoff.next(), Math.max(left, 0)), undefined, { signal });
        const received = this.#window.received;
        const ws = await this.#redial({ id, attempt: ++this.#attempt, received }, signal);
        if (signal.aborted) ws.terminate();
        else this.#attach(ws);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (isLasting(error)) return this.#end(messageOf(error));
        if (left <= 0) {
          return this.#end(
            `The link to the gateway broke, and did not come back within ${resumeMs / 1000} s. ${messageOf(error)}`,
          );
        }
      }
    }
  }

  #end(sentence: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.ended(sentence);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
