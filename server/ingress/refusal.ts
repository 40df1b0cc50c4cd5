import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** Why a guest was not let in: an HTTP status and a sentence. */
export class Refusal extends Error {
  override name = "Refusal" as const;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}) {
    super(sentence);
    this.status = status;
    this.headers = headers;
  }
}

/** Answers an upgrade request with the refusal and closes its socket. */
export function sendRefusal(socket: Duplex, { status, message, headers }: Refusal): void {
  const body = `${message}\n`;
  const lines = Object.entries({
    ...headers,
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
}
