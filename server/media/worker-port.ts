import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import { type AccessUnit, AccessUnitReader } from "./access-unit-reader.ts";
import { monotonicMicroseconds } from "./clock.ts";
import type { WorkerLink } from "./media-session.ts";
import { MediaRequest, NONCE_BYTES } from "./messages.ts";

/** What a nonce leads to. */
export type WorkerEvents = {
  connected(link: WorkerLink): void;
  accessUnit(unit: AccessUnit): void;
  /** The worker said something that is not allowed. `gone` follows. */
  fault(reason: string): void;
  gone(link: WorkerLink): void;
};

/** A dialler that does not give its nonce until then is no worker. */
const NONCE_TIMEOUT_MS = 5000;
/** Sockets that have not given a nonce yet. Bounds what a confused process can hold open. */
export const MAX_STRANGERS = 32;
/** Requests that a worker does not read. Bounds what the thread holds for it. */
export const MAX_UNREAD_BYTES = 4096;
/** Linux's sockaddr_un, less the terminator. */
export const MAX_PATH_BYTES = 107;

/** The Unix socket by which workers hand over access units. */
export class WorkerPort {
  readonly socketPath: string;
  readonly #server: Server;
  readonly #expected = new Map<string, WorkerEvents>();
  readonly #sockets = new Set<Socket>();
  /** Sockets that gave no nonce yet, oldest first. */
  readonly #strangers = new Set<Socket>();

  private constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.#server = createServer((socket) => this.#greet(socket));
  }

  /** `folder` must be one that only this user can enter: the socket gets its own mode after it exists. */
  static async listen(folder: string, name: string): Promise<WorkerPort> {
    const socketPath = path.join(folder, name);
    if (Buffer.byteLength(socketPath) > MAX_PATH_BYTES) {
      throw new Error(
        `The path of the media socket (${socketPath}) is over ${MAX_PATH_BYTES} bytes long.`,
      );
    }
    const port = new WorkerPort(socketPath);
    await new Promise<void>((resolve, reject) => {
      port.#server.once("error", reject);
      port.#server.listen(socketPath, () => {
        port.#server.off("error", reject);
        resolve();
      });
    });
    await chmod(socketPath, 0o600);
    return port;
  }

  /** The next socket that gives `nonce` (hex) is this worker's. */
  expect(nonce: string, events: WorkerEvents): void {
    this.#expected.set(nonce, events);
  }

  forget(nonce: string): void {
    this.#expected.delete(nonce);
  }

  /** Idempotent. Closes the workers' sockets too. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#expected.clear();
  }

  #greet(socket: Socket): void {
    // The oldest goes: one worker's silent sockets must not keep another's from being heard.
    const [oldest] = this.#strangers;
    if (oldest !== undefined && this.#strangers.size >= MAX_STRANGERS) oldest.destroy();
    this.#strangers.add(socket);
    this.#sockets.add(socket);
    const introduced = (): void => {
      this.#strangers.delete(socket);
    };
    socket.setTimeout(NONCE_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#sockets.delete(socket);
      introduced();
    });
    let nonce = Buffer.alloc(0);
    const readNonce = (chunk: Buffer): void => {
      nonce = Buffer.concat([nonce, chunk]);
      if (nonce.length < NONCE_BYTES) return;
      socket.off("data", readNonce);
      socket.setTimeout(0);
      introduced();
      const key = nonce.toString("hex", 0, NONCE_BYTES);
      const events = this.#expected.get(key);
      this.#expected.delete(key);
      if (events === undefined) socket.destroy();
      else serveWorker(socket, events, nonce.subarray(NONCE_BYTES));
    };
    socket.on("data", readNonce);
  }
}

function serveWorker(socket: Socket, events: WorkerEvents, first: Buffer): void {
  const reader = new AccessUnitReader(monotonicMicroseconds);
  const link = linkTo(socket);
  const read = (chunk: Buffer): void => {
    try {
      for (const unit of reader.push(chunk)) {
        if (socket.destroyed) return;
        events.accessUnit(unit);
      }
    } catch (error) {
      // Whatever it is, it came of what this worker sent, and of the thread nothing else is touched.
      socket.destroy();
      events.fault(error instanceof Error ? error.message : String(error));
    }
  };
  socket.once("close", () => events.gone(link));
  socket.on("data", read);
  events.connected(link);
  read(first);
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
