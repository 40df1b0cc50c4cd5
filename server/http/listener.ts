import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Express } from "express";
import type { Config } from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import { Refusal, sendRefusal } from "#server/ingress/refusal.ts";
import { type Peer, Strangers, type StrangersOptions } from "./strangers.ts";

/** A client whose TLS handshake takes longer is cut off. */
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
/** A client that sends its headers more slowly, or none, is cut off. Bounds the sockets of a slow-loris. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** A connection that has had its answer stays so long for the next request. */
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** How often Node looks for requests that take too long. */
const LOOK_FOR_SLOW_MS = 1_000;
/** WebSockets get so long to finish their closing handshakes. */
const CLOSE_TIMEOUT_MS = 500;
/** Open TCP connections, with a token or without. Bounds descriptors and memory. */
export const MAX_SOCKETS = 4096;

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** The gateway's one port. Owns the server; close() is idempotent. */
export class Listener implements AsyncDisposable {
  readonly server: Server;
  readonly secure: boolean;
  readonly #sockets = new Set<Socket>();
  readonly #strangers: Strangers;
  readonly #upgrades = new Map<string, UpgradeHandler>();
  #closed: Promise<void> | undefined;

  private constructor(server: Server, secure: boolean, strangers: Strangers) {
    this.#strangers = strangers;
    this.server = server;
    this.secure = secure;
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
    server.maxConnections = MAX_SOCKETS;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      this.#strangers.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      // Nobody else listens until a handler takes the socket over, and an unheard error ends the process.
      socket.on("error", () => socket.destroy());
      const handler = this.#upgrades.get(firstSegment(request.url ?? ""));
      if (handler === undefined) {
        sendRefusal(socket, new Refusal(404, "No WebSocket is served at this address."));
      } else {
        handler(request, socket, head);
      }
    });
  }

  /** Throws ConfigError when certificate or key can't be read. */
  static async create(tls: Config["tls"], options: StrangersOptions): Promise<Listener> {
    const strangers = new Strangers(options);
    const timing = { connectionsCheckingInterval: LOOK_FOR_SLOW_MS };
    if (tls === undefined) return new Listener(createServer(timing), false, strangers);
    const [cert, key] = await Promise.all([readPem("cert", tls.cert), readPem("key", tls.key)]);
    try {
      const handshake = {
        minVersion: "TLSv1.2",
        handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
      } as const;
      const server = createSecureServer({ ...timing, ...handshake, cert, key });
      return new Listener(server, true, strangers);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(
        `tls.cert and tls.key do not form a certificate (${reason}): give two PEM files of one pair.`,
        { cause },
      );
    }
  }

  serve(app: Express): void {
    this.server.on("request", app);
  }

  /** The connection has shown a good token: it is none of those that a flood pushes out. */
  authenticated(socket: Peer): void {
    this.#strangers.welcome(socket);
  }

  /** `path` is one segment, such as "/guest"; the handler gets what is below it, too. */
  onUpgrade(path: string, handler: UpgradeHandler): void {
    this.#upgrades.set(path, handler);
  }

  /** Throws ConfigError when the address can't be had. */
  async listen(host: string, port: number): Promise<AddressInfo> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once("error", reject);
        this.server.listen(port, host, () => {
          this.server.off("error", reject);
          resolve();
        });
      });
    } catch (cause) {
      throw new ConfigError(listenProblem(host, port, cause), { cause });
    }
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("No port was bound.");
    return address;
  }

  /** New requests find nobody; closing handshakes under way get a moment, then sockets are closed. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections(); // Of plain requests; WebSockets are not among them.
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_TIMEOUT_MS);
    await closed;
    clearTimeout(timer);
  }
}

function firstSegment(url: string): string {
  return /^\/[^/?#]*/.exec(url)?.[0] ?? "";
}

async function readPem(field: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`tls.${field} (${file}) can't be read (${reason}): correct the path.`, {
      cause,
    });
  }
}

function listenProblem(host: string, port: number, cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return `port (${port}) is taken on ${host}: stop what listens there, or choose another with --port.`;
    case "EACCES":
      return `port (${port}) is not open to this user: choose one above 1023 with --port.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `host (${host}) is no address of this machine: choose one with --host.`;
    default:
      return `The gateway can't listen on ${host}:${port}: ${String(cause)}`;
  }
}
