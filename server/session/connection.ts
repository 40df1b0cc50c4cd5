import type { Socket } from "node:net";
import { TickSource } from "#server/scheduler/tick-source.ts";
import { DownFrame } from "#shared/wire/frames.ts";

/** The way to one program, as a session sees it; server/ingress has it. */
export type ProgramLink = {
  /** Sends one gateway frame. Harmless after the end. */
  send(kind: number, payload: Uint8Array): void;
  /** Drops the event when the program does not read; a `blur` follows when it reads again. */
  sendInput(event: Uint8Array): void;
  /** The worker ended the connection, for this reason; its last frames may still be on their way. */
  workerEnded(reason: string): void;
  /** Tells the program the sentence and ends its connection. Idempotent. */
  end(sentence: string): void;
};

/** One program of a session: its number, its way to the worker and its ticks. */
export class Connection {
  readonly id: number;
  /** The bytes to and from the worker. Whoever attaches the link owns it; before, this does. */
  readonly data: Socket;
  readonly ticks: TickSource;
  /** When the link to the program broke, in milliseconds of performance.now(); it may come back. */
  awaySince: number | undefined;
  #link: ProgramLink | undefined;
  #endSentence: string | undefined;

  constructor(id: number, data: Socket, interval: number) {
    this.id = id;
    this.data = data;
    this.ticks = new TickSource(interval, (tick) => this.#sendTick(tick));
  }

  /** The program is reached by `link` from now on. */
  attach(link: ProgramLink): void {
    this.#link = link;
    if (this.#endSentence !== undefined) link.end(this.#endSentence);
  }

  get link(): ProgramLink | undefined {
    return this.#link;
  }

  /** Idempotent: the first sentence is the one told. */
  end(sentence: string): void {
    this.ticks.close();
    this.#endSentence ??= sentence;
    if (this.#link === undefined) this.data.destroy();
    else this.#link.end(this.#endSentence);
  }

  #sendTick(tick: number): void {
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(tick, 0);
    this.#link?.send(DownFrame.tick, payload);
  }
}
