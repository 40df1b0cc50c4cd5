import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { CloseCode } from "#shared/link/guest-link.ts";
import { DownFrame, frame, FRAME_HEADER_BYTES } from "#shared/wire/frames.ts";
import { PeerWatch } from "./peer-watch.ts";

/** Unsent bytes at which the program is paused, and at which it goes on. */
const HIGH_WATER_BYTES = 1 << 20;
const LOW_WATER_BYTES = 1 << 18;

/** The gateway's half of the closing handshake is waited for this long. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Writes the frame that tells a program why its connection ends, and ends it. */
export function sayGoodbye(program: Socket, sentence: string): void {
  program.end(frame(DownFrame.goodbye, Buffer.from(sentence)));
}

/**
 * Joins one program and its WebSocket until either ends. Owns both. Bytes pass undecoded; only a
 * frame's kind is looked at, to see whether the program has been told why it ends.
 */
export class ProgramLink {
  readonly #program: Socket;
  readonly #ws: WebSocket;
  readonly #watch: PeerWatch;
  readonly closed: Promise<void>;
  #programEnded = false;
  #wasTold = false;

  constructor(program: Socket, ws: WebSocket) {
    this.#program = program;
    this.#ws = ws;
    this.#watch = new PeerWatch(ws);
    this.closed = new Promise((resolve) => {
      ws.once("close", (code: number, reason: Buffer) => {
        this.#watch.close();
        this.#linkClosed(code, reason.toString());
        resolve();
      });
    });
    ws.on("error", () => {}); // "close" follows, and tells more.
    this.#pumpUp();
    this.#pumpDown();
    ws.resume();
  }

  /** Ends the link from here: the program gets the sentence. */
  end(sentence: string): void {
    this.#tell(sentence);
    this.#closeLink();
  }

  #pumpUp(): void {
    const program = this.#program;
    const ws = this.#ws;
    program.on("data", (chunk: Buffer) => {
      if (ws.readyState !== ws.OPEN) return;
      ws.send(chunk, () => {
        if (ws.bufferedAmount <= LOW_WATER_BYTES) program.resume();
      });
      // What the gateway does not take stays with the program: nothing gathers here.
      if (ws.bufferedAmount > HIGH_WATER_BYTES) program.pause();
    });
    program.on("end", () => this.#programGone());
    program.on("error", () => this.#programGone());
    program.on("close", () => this.#programGone());
    program.resume();
  }

  #pumpDown(): void {
    const program = this.#program;
    const ws = this.#ws;
    ws.on("message", (message: RawData) => {
      if (!Buffer.isBuffer(message) || !program.writable) return;
      const kind = message[FRAME_HEADER_BYTES - 1];
      if (kind === DownFrame.goodbye || kind === DownFrame.refused) this.#wasTold = true;
      if (!program.write(message)) ws.pause();
    });
    program.on("drain", () => ws.resume());
  }

  #programGone(): void {
    this.#programEnded = true;
    this.#closeLink();
  }

  #linkClosed(code: number, reason: string): void {
    if (!this.#programEnded) {
      const words = reason === "" ? `code ${code}` : reason;
      this.#tell(`The link to the gateway broke (${words}).`);
    }
    this.#program.end();
    this.#program.resume(); // What it still sends has no way to go, and must not hold its end up.
  }

  #tell(sentence: string): void {
    if (this.#wasTold || !this.#program.writable) return;
    this.#wasTold = true;
    sayGoodbye(this.#program, sentence);
  }

  #closeLink(): void {
    const ws = this.#ws;
    if (ws.readyState !== ws.OPEN) return;
    ws.close(CloseCode.normal);
    ws.resume(); // The gateway's half of the closing handshake is still to be read.
    const timer = setTimeout(() => ws.terminate(), CLOSE_TIMEOUT_MS);
    ws.once("close", () => clearTimeout(timer));
  }
}
