import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { DownFrame, frame, FRAME_HEADER_BYTES } from "#shared/wire/frames.ts";
import { GatewayLink, type Redial } from "./gateway-link.ts";

/** Writes the frame that tells a program why its connection ends, and ends it. */
export function sayGoodbye(program: Socket, sentence: string): void {
  program.end(frame(DownFrame.goodbye, Buffer.from(sentence)));
}

/**
 * Joins one program and its link to the gateway until either ends. Owns both. Bytes pass undecoded;
 * only a frame's kind is looked at, to see whether the program has been told why it ends.
 */
export class ProgramLink {
  readonly #program: Socket;
  readonly #gateway: GatewayLink;
  readonly closed: Promise<void>;
  #programEnded = false;
  #wasTold = false;

  constructor(program: Socket, ws: WebSocket, redial: Redial) {
    this.#program = program;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#gateway = new GatewayLink(ws, redial, {
      down: (bytes, passedOn) => this.#down(bytes, passedOn),
      drained: () => program.resume(),
      ended: (sentence) => {
        this.#linkEnded(sentence);
        resolve();
      },
    });
    this.#pumpUp();
  }

  /** Ends the link from here: the program gets the sentence. */
  end(sentence: string): void {
    this.#tell(sentence);
    this.#gateway.end(sentence);
  }

  #pumpUp(): void {
    const program = this.#program;
    program.on("data", (chunk: Buffer) => {
      this.#gateway.send(chunk);
      // What the gateway does not take in time stays with the program.
      if (this.#gateway.isFull) program.pause();
    });
    program.on("end", () => this.#programGone());
    program.on("error", () => this.#programGone());
    program.on("close", () => this.#programGone());
    program.resume();
  }

  #down(bytes: Buffer, passedOn: () => void): void {
    if (!this.#program.writable) return passedOn(); // Nobody reads it: the gateway may forget it.
    const kind = bytes[FRAME_HEADER_BYTES - 1];
    if (kind === DownFrame.goodbye || kind === DownFrame.refused) this.#wasTold = true;
    this.#program.write(bytes, () => passedOn());
  }

  #programGone(): void {
    if (this.#programEnded) return;
    this.#programEnded = true;
    this.#gateway.finish();
  }

  #linkEnded(sentence: string): void {
    if (!this.#programEnded) this.#tell(sentence);
    this.#program.end();
    this.#program.resume(); // What it still sends has no way to go, and must not hold its end up.
  }

  #tell(sentence: string): void {
    if (this.#wasTold || !this.#program.writable) return;
    this.#wasTold = true;
    sayGoodbye(this.#program, sentence);
  }
}
