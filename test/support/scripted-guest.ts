import { once } from "node:events";
import { type RawData, WebSocket } from "ws";
import { GUEST_PATH, GUEST_SUBPROTOCOL } from "#shared/link/guest-link.ts";
import { DownFrame, frame, FRAME_HEADER_BYTES, type Frame, UpFrame } from "#shared/wire/frames.ts";
import { findProcess } from "./processes.ts";

/** What a guest tells the scripted worker to do. */
export type Deed =
  | { readonly do: "say"; readonly message: object }
  | { readonly do: "sayBytes"; readonly hex: string }
  | { readonly do: "sayOften"; readonly times: number }
  | { readonly do: "sayMuch"; readonly bytes: number }
  | { readonly do: "dialOften"; readonly times: number }
  /** On a socket of its own, in place of who dials. */
  | { readonly do: "dialBytes"; readonly hex: string }
  | { readonly do: "printOften"; readonly lines: number }
  /** On the media thread's socket, as often as told. */
  | { readonly do: "sendMedia"; readonly hex: string; readonly times: number }
  /** A reply with each bitrate that the media thread asks for. */
  | { readonly do: "tellBitrates" }
  | { readonly do: "sendFrame"; readonly kind: number; readonly text: string }
  | { readonly do: "sendBytes"; readonly hex: string }
  | { readonly do: "flood"; readonly frames: number; readonly bytes: number }
  /** Empty frames, as fast as they are taken. */
  | { readonly do: "trickle"; readonly frames: number }
  /** The same without end, also once the program has ended; when it is cut off, it prints that. */
  | { readonly do: "goOn" }
  | { readonly do: "die"; readonly signal: NodeJS.Signals }
  | { readonly do: "hang" }
  | { readonly do: "takeMemory"; readonly bytes: number }
  | { readonly do: "tellPid" }
  /** A reply with the bounds that the worker was told, the latest last. */
  | { readonly do: "tellBounds" }
  | { readonly do: "hangUp" };

export type GuestOptions = {
  readonly url: string;
  readonly token: string;
  readonly subprotocol?: string;
  /** Of the upgrade request, besides the token's. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** A guest's end of the gateway's WebSocket: sends frames, and keeps those that come until asked. */
export class ScriptedGuest implements AsyncDisposable {
  readonly ws: WebSocket;
  /** Code and reason of the end of the WebSocket. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Bytes of all frames so far. */
  received = 0;
  readonly #frames: Frame[] = [];
  readonly #counts = new Map<number, number>();
  readonly #texts: string[] = [];
  readonly #waiting = new Set<() => void>();
  #over = false;

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("error", () => {});
    ws.on("message", (message: RawData, isBinary: boolean) => {
      if (!Buffer.isBuffer(message)) return;
      if (!isBinary) {
        this.#texts.push(message.toString());
        this.#wake();
        return;
      }
      this.received += message.length;
      const kind = message[FRAME_HEADER_BYTES - 1] ?? 0;
      this.#counts.set(kind, this.count(kind) + 1);
      this.#frames.push({ kind, payload: message.subarray(FRAME_HEADER_BYTES) });
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      ws.once("close", (code: number, reason: Buffer) => {
        this.#over = true;
        this.#wake();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects, says hello and has its welcome. Throws an Error with status and sentence of a refusal. */
  static async connect(options: GuestOptions): Promise<ScriptedGuest> {
    const guest = await ScriptedGuest.open(options);
    guest.send(UpFrame.hello, Buffer.from("hello"));
    await guest.next(DownFrame.welcome);
    return guest;
  }

  static async open({ url, token, subprotocol, headers }: GuestOptions): Promise<ScriptedGuest> {
    const address = url.replace(/^http/, "ws") + GUEST_PATH;
    const ws = new WebSocket(address, subprotocol ?? GUEST_SUBPROTOCOL, {
      headers: { Authorization: `Bearer ${token}`, ...headers },
    });
    const guest = new ScriptedGuest(ws);
    ws.once("unexpected-response", (request, response) => {
      response.setEncoding("utf8");
      let body = "";
      response.on("data", (text: string) => {
        body += text;
      });
      response.once("end", () => {
        ws.emit("refused", new Error(`${response.statusCode} ${body.trim()}`));
        request.destroy();
      });
    });
    await Promise.race([
      once(ws, "open"),
      once(ws, "refused").then(([refusal]) => Promise.reject(refusal)),
      guest.closed.then(() => Promise.reject(new Error("The WebSocket did not open."))),
    ]);
    return guest;
  }

  send(kind: number, payload: Uint8Array): void {
    this.ws.send(frame(kind, payload));
  }

  tell(deed: Deed): void {
    this.send(UpFrame.commands, Buffer.from(JSON.stringify(deed)));
  }

  /** Takes the next frame of this kind; frames before it are dropped. */
  async next(kind: number): Promise<Uint8Array> {
    for (;;) {
      const at = this.#frames.findIndex((each) => each.kind === kind);
      if (at !== -1) return this.#frames.splice(0, at + 1)[at]!.payload;
      if (this.#over) throw new Error(`The link ended, and no frame of kind ${kind} came.`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Frames of this kind that came so far. */
  count(kind: number): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Takes the next text message. */
  async text(): Promise<string> {
    for (;;) {
      const text = this.#texts.shift();
      if (text !== undefined) return text;
      if (this.#over) throw new Error("The link ended, and no text message came.");
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Takes the next reply of the scripted worker. */
  async reply(): Promise<unknown> {
    return JSON.parse(Buffer.from(await this.next(DownFrame.replies)).toString());
  }

  /** The process id of its worker, as this host counts it: a confined worker counts its own. */
  async workerPid(): Promise<number> {
    this.tell({ do: "tellPid" });
    const reply = await this.reply();
    if (typeof reply !== "object" || reply === null || !("socket" in reply)) {
      throw new Error("The worker did not tell its socket.");
    }
    const pid = await findProcess("scripted-worker", String(reply.socket));
    if (pid === undefined) throw new Error("No process has the worker's socket.");
    return pid;
  }

  async goodbye(): Promise<string> {
    return Buffer.from(await this.next(DownFrame.goodbye)).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) this.ws.terminate();
    await this.closed;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** The payload of a payloadBegin frame. */
export function readTotal(payload: Uint8Array): number {
  return new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true);
}

export function totalPayload(total: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(total);
  return bytes;
}
