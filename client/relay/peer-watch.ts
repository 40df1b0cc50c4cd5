import type { WebSocket } from "ws";
import { PING_INTERVAL_MS, RESUMABLE_PEER_TIMEOUT_MS } from "#shared/link/guest-link.ts";

/**
 * Pings the gateway, and gives the WebSocket up when the gateway is gone. Owns a timer: whoever makes one
 * closes it.
 */
export class PeerWatch implements Disposable {
  readonly #ws: WebSocket;
  readonly #timer: NodeJS.Timeout;
  #silence = 0;

  constructor(ws: WebSocket) {
    this.#ws = ws;
    this.#timer = setInterval(() => this.#beat(), PING_INTERVAL_MS);
    const heard = () => {
      this.#silence = 0;
    };
    ws.on("ping", heard).on("pong", heard).on("message", heard);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #beat(): void {
    const ws = this.#ws;
    this.#silence += PING_INTERVAL_MS;
    if (this.#silence > RESUMABLE_PEER_TIMEOUT_MS) ws.terminate();
    else if (ws.readyState === ws.OPEN) ws.ping();
  }
}
