import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { rm } from "node:fs/promises";
import { TokenBucket } from "#shared/base/token-bucket.ts";

/** A connection opens with the nonce and a u32le: 0 for control, else the connection whose data it carries. */
export const NONCE_BYTES = 32;
const PREAMBLE_BYTES = NONCE_BYTES + 4;
export const CONTROL_CONNECTION = 0;

/** Who dials and says nothing is cut off. Bounds the sockets of a stranger in the folder. */
const PREAMBLE_TIMEOUT_MS = 5_000;

/**
 * Sockets that have not said yet whose data they carry. Bounds the descriptors that a worker takes of the gateway; a worker
 * that is told to open all of its 64 connections at once has as many.
 */
export const MAX_UNDECIDED_DIALS = 128;

/**
 * Dials a second that nobody waits for. Bounds the gateway's time for a worker that does nothing else; a worker that is told
 * to open a connection just as its program leaves makes one.
 */
export const MAX_VAIN_DIALS_PER_SECOND = 64;

/**
 * Where one worker dials. The socket lies in a folder that only this user enters, and the nonce tells
 * the worker from this user's other processes.
 */
export class WorkerSocket {
  readonly path: string;
  /** Resolves with a sentence when more dial than a worker needs: no more are taken. Else it stays pending. */
  readonly flooded: Promise<string>;
  readonly #flood: (sentence: string) => void;
  readonly #nonce: Uint8Array;
  readonly #server: Server;
  readonly #now: () => number;
  readonly #vainDials = new TokenBucket(MAX_VAIN_DIALS_PER_SECOND, MAX_VAIN_DIALS_PER_SECOND);
  readonly #expected = new Map<number, (socket: Socket) => void>();
  readonly #undecided = new Set<Socket>();
  #closed = false;

  private constructor(path: string, nonce: Uint8Array, server: Server, now: () => number) {
    this.path = path;
    this.#nonce = nonce;
    this.#server = server;
    this.#now = now;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.flooded = promise;
    this.#flood = (sentence) => {
      resolve(sentence);
      this.close();
    };
    server.on("connection", (socket) => this.#accept(socket));
  }

  /** `now` is in milliseconds. */
  static async listen(
    path: string,
    nonce: Uint8Array,
    now: () => number = () => performance.now(),
  ): Promise<WorkerSocket> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
    return new WorkerSocket(path, nonce, server, now);
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
    socket.on("error", () => socket.destroy());
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#undecided.add(socket);
    socket.setTimeout(PREAMBLE_TIMEOUT_MS, () => socket.destroy());
    socket.on("close", () => {
      if (this.#undecided.delete(socket)) this.#dialledInVain();
    });
    if (this.#undecided.size > MAX_UNDECIDED_DIALS) {
      this.#flood(`It opened over ${MAX_UNDECIDED_DIALS} sockets that say nothing.`);
      return;
    }
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
      if (known && take !== undefined) {
        take(socket);
        return;
      }
      socket.destroy();
      this.#dialledInVain();
    };
    socket.on("readable", read);
  }

  #dialledInVain(): void {
    if (this.#closed || this.#vainDials.take(this.#now())) return;
    this.#flood(`It dialled over ${MAX_VAIN_DIALS_PER_SECOND} times in a second in vain.`);
  }
}
