import { timingSafeEqual } from "node:crypto";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { TokenBucket } from "#shared/base/token-bucket.ts";
import { type AccessUnit, AccessUnitReader } from "./access-unit-reader.ts";
import { monotonicMicroseconds } from "./clock.ts";
import type { WorkerLink } from "./media-session.ts";
import { MediaRequest, NONCE_BYTES } from "./messages.ts";

export type WorkerEvents = {
  connected(link: WorkerLink): void;
  accessUnit(unit: AccessUnit): void;
  /** The worker did something that is not allowed: it is to be killed. Called once at most; `gone` follows `connected`. */
  fault(reason: string): void;
  gone(link: WorkerLink): void;
};

/** A dialler that does not give its nonce until then is cut off. */
const NONCE_TIMEOUT_MS = 5000;

/** Sockets that have not given a nonce yet; a worker dials once. Bounds the descriptors that it takes of the thread. */
export const MAX_UNDECIDED_DIALS = 32;

/**
 * Dials a second that lead nowhere. Bounds the thread's time for a worker that does nothing else, and the others' wait, who
 * are on the same thread.
 */
export const MAX_VAIN_DIALS_PER_SECOND = 64;

/** Requests that a worker does not read. Bounds what the thread holds for it. */
export const MAX_UNREAD_BYTES = 4096;
/** Linux's sockaddr_un, less the terminator. */
export const MAX_PATH_BYTES = 107;

export type WorkerPortOptions = {
  /** In a folder that only this user can enter: the socket gets its own mode after it exists. */
  readonly socketPath: string;
  /** Hex: the first socket that gives it is the worker's. */
  readonly nonce: string;
  /** Milliseconds. */
  readonly now?: () => number;
};

/** The Unix socket by which one worker hands over access units. No other worker's sandbox has it. */
export class WorkerPort implements Disposable {
  readonly #server: Server;
  readonly #nonce: Buffer;
  readonly #events: WorkerEvents;
  readonly #now: () => number;
  readonly #vainDials = new TokenBucket(MAX_VAIN_DIALS_PER_SECOND, MAX_VAIN_DIALS_PER_SECOND);
  readonly #undecided = new Set<Socket>();
  #worker: Socket | undefined;
  #closed = false;

  private constructor(server: Server, options: WorkerPortOptions, events: WorkerEvents) {
    this.#server = server;
    this.#nonce = Buffer.from(options.nonce, "hex");
    this.#events = events;
    this.#now = options.now ?? (() => performance.now());
    server.on("connection", (socket) => this.#greet(socket));
  }

  static async listen(options: WorkerPortOptions, events: WorkerEvents): Promise<WorkerPort> {
    const { socketPath } = options;
    if (Buffer.byteLength(socketPath) > MAX_PATH_BYTES) {
      throw new Error(
        `The path of the media socket (${socketPath}) is over ${MAX_PATH_BYTES} bytes long.`,
      );
    }
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socketPath, () => {
        server.off("error", reject);
        resolve();
      });
    });
    const port = new WorkerPort(server, options, events);
    await chmod(socketPath, 0o600);
    return port;
  }

  /** Idempotent. Closes the worker's socket too. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#undecided) socket.destroy();
    this.#worker?.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #greet(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (this.#closed) {
      socket.destroy();
      return;
    }
    this.#undecided.add(socket);
    socket.setTimeout(NONCE_TIMEOUT_MS, () => socket.destroy());
    socket.once("close", () => {
      if (this.#undecided.delete(socket)) this.#dialledInVain();
    });
    if (this.#undecided.size > MAX_UNDECIDED_DIALS) {
      this.#fault(`It opened over ${MAX_UNDECIDED_DIALS} media sockets that say nothing.`);
      return;
    }
    let nonce = Buffer.alloc(0);
    const readNonce = (chunk: Buffer): void => {
      nonce = Buffer.concat([nonce, chunk]);
      if (nonce.length < NONCE_BYTES) return;
      socket.off("data", readNonce);
      const isKnown = timingSafeEqual(nonce.subarray(0, NONCE_BYTES), this.#nonce);
      if (!isKnown || this.#worker !== undefined) {
        socket.destroy(); // Its end is that of one more vain dial.
        return;
      }
      this.#undecided.delete(socket);
      socket.setTimeout(0);
      this.#worker = socket;
      this.#serve(socket, nonce.subarray(NONCE_BYTES));
    };
    socket.on("data", readNonce);
  }

  #serve(socket: Socket, first: Buffer): void {
    const reader = new AccessUnitReader(monotonicMicroseconds);
    const link = linkTo(socket);
    const read = (chunk: Buffer): void => {
      try {
        for (const unit of reader.push(chunk)) {
          if (socket.destroyed) return;
          this.#events.accessUnit(unit);
        }
      } catch (error) {
        // Whatever it is, it came of what this worker sent, and of the thread nothing else is touched.
        this.#fault(error instanceof Error ? error.message : String(error));
      }
    };
    socket.once("close", () => this.#events.gone(link));
    socket.on("data", read);
    this.#events.connected(link);
    read(first);
  }

  #dialledInVain(): void {
    if (this.#closed || this.#vainDials.take(this.#now())) return;
    this.#fault(
      `It dialled its media socket over ${MAX_VAIN_DIALS_PER_SECOND} times in a second in vain.`,
    );
  }

  #fault(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.fault(reason);
  }
}

function linkTo(socket: Socket): WorkerLink {
  const write = (bytes: Buffer): boolean => {
    if (socket.destroyed || socket.writableLength > MAX_UNREAD_BYTES) return false;
    socket.write(bytes);
    return true;
  };
  return {
    requestKeyFrame: () => write(Buffer.of(MediaRequest.keyFrame)),
    requestBitrate(bitsPerSecond) {
      const bytes = Buffer.alloc(5);
      bytes.writeUInt8(MediaRequest.bitrate);
      bytes.writeUInt32LE(bitsPerSecond, 1);
      return write(bytes);
    },
    close: () => socket.destroy(),
  };
}
