import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { rm } from "node:fs/promises";

/** A connection opens with the nonce and a u32le: 0 for control, else the connection whose data it carries. */
export const NONCE_BYTES = 32;
const PREAMBLE_BYTES = NONCE_BYTES + 4;
export const CONTROL_CONNECTION = 0;

/** Who dials and says nothing is cut off. Bounds the sockets of a stranger in the folder. */
const PREAMBLE_TIMEOUT_MS = 5_000;

/**
 * Where one worker dials. The socket lies in a folder that only this user enters, and the nonce tells
 * the worker from this user's other processes.
 */
export class WorkerSocket {
  readonly path: string;
  readonly #nonce: Uint8Array;
  readonly #server: Server;
  readonly #expected = new Map<number, (socket: Socket) => void>();
  readonly #undecided = new Set<Socket>();
  #closed = false;

  private constructor(path: string, nonce: Uint8Array, server: Server) {
    this.path = path;
    this.#nonce = nonce;
    this.#server = server;
    server.on("connection", (socket) => this.#accept(socket));
  }

  static async listen(path: string, nonce: Uint8Array): Promise<WorkerSocket> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
    return new WorkerSocket(path, nonce, server);
  }

  /** Resolves with the socket, which the caller owns, when the worker dials for `connection`. */
  expect(connection: number, signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#expected.delete(connection);
        reject(signal.reason);
      };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      this.#expected.set(connection, (socket) => {
        signal.removeEventListener("abort", abort);
        this.#expected.delete(connection);
        resolve(socket);
      });
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#undecided) socket.destroy();
    void rm(this.path, { force: true });
  }

  #accept(socket: Socket): void {
    this.#undecided.add(socket);
    socket.setTimeout(PREAMBLE_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#undecided.delete(socket));
    const read = () => {
      const preamble: unknown = socket.read(PREAMBLE_BYTES);
      if (!Buffer.isBuffer(preamble)) return; // Not all of it has arrived.
      if (preamble.length < PREAMBLE_BYTES) {
        socket.destroy(); // It ended amid it.
        return;
      }
      socket.off("readable", read);
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      this.#undecided.delete(socket);
      const take = this.#expected.get(preamble.readUInt32LE(NONCE_BYTES));
      const known = timingSafeEqual(preamble.subarray(0, NONCE_BYTES), this.#nonce);
      if (known && take !== undefined) take(socket);
      else socket.destroy();
    };
    socket.on("readable", read);
  }
}
