import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { Server as Engine, type Socket as EngineSocket } from "engine.io";
import { Server } from "socket.io";
import { TokenError } from "#server/auth/claims.ts";
import type { Tokens } from "#server/auth/tokens.ts";
import type { Doorkeeper } from "#server/ingress/doorkeeper.ts";
import { Refusal, sendRefusal } from "#server/ingress/refusal.ts";
import type { Events } from "#server/observe/events.ts";
import { checkOrigin, type OriginRules } from "./origin.ts";
import {
  attachSignaling,
  type Admission,
  Crowded,
  MAX_SIGNALING_BYTES,
  type ViewerInlet,
  type ViewerOutlet,
  type ViewerRole,
} from "./signaling.ts";

/** Who has connected shows its token within this time. Bounds connections that wait for nothing. */
const JOIN_TIMEOUT_MS = 5_000;
/** Who was told of the end, and does not answer, is cut off. Bounds connections that wait for a farewell. */
const CLOSE_TIMEOUT_MS = 1_000;

export type SignalingDoorOptions = {
  readonly tokens: Tokens;
  readonly doorkeeper: Doorkeeper;
  readonly origins: OriginRules;
  readonly events: Events;
  readonly session: (name: string) => JoinableSession;
};

/** A session that counts who watches by their tokens. */
type JoinableSession = {
  addViewer(viewer: string, role: ViewerRole, outlet: ViewerOutlet, token: string): ViewerInlet;
};

/** Lets viewers in: page and rate are checked before the WebSocket, the token after, in its first message. */
export class SignalingDoor implements Disposable {
  /** Others may serve namespaces of their own on it, for who came through this door. */
  readonly io: Server;
  readonly #options: SignalingDoorOptions;
  readonly #engine: Engine;
  readonly #viewers: Disposable;

  constructor(options: SignalingDoorOptions) {
    this.#options = options;
    this.#engine = new Engine({
      transports: ["websocket"],
      maxHttpBufferSize: MAX_SIGNALING_BYTES,
    });
    this.#engine.on("connection", (connection: EngineSocket) => {
      const { socket } = connection.request;
      connection.once("close", () => {
        const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
        socket.once("close", () => clearTimeout(timer));
      });
    });
    this.io = new Server({ serveClient: false, connectTimeout: JOIN_TIMEOUT_MS });
    this.io.bind(this.#engine);
    // socket.io has this namespace whether one wants it or not; who is in a namespace has no more deadline.
    this.io.of("/").use((socket, next) => {
      next(new Error("Nothing is served in this namespace."));
      setImmediate(() => socket.conn.close());
    });
    this.#viewers = attachSignaling(this.io, {
      authenticateOperator: (token, request) => this.#authenticate(token, request),
    });
  }

  /** Takes over the upgrade request and its socket, of whose errors the caller hears. Never rejects. */
  async admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      await this.#options.doorkeeper.attempt("viewer", request);
      checkOrigin(request, this.#options.origins);
    } catch (error) {
      if (!(error instanceof Refusal))
        this.#options.events.fault("A viewer was not let in.", error);
      sendRefusal(
        socket,
        error instanceof Refusal
          ? error
          : new Refusal(500, "The gateway failed to let the viewer in."),
      );
      return;
    }
    if (!socket.destroyed) this.#engine.handleUpgrade(request, socket, head);
  }

  /** Viewers are disconnected, and come back to the gateway's successor. */
  close(): void {
    this.#viewers[Symbol.dispose]();
    this.io.disconnectSockets(true);
    this.#engine.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #authenticate(token: string, request: IncomingMessage): Promise<Admission> {
    const { tokens, doorkeeper, events, session } = this.#options;
    try {
      const { claims, exchanged } = await tokens.admitOperator(token);
      doorkeeper.authenticated(request);
      // What an invitation was exchanged for is not lost to a limit.
      if (exchanged === undefined) await doorkeeper.viewerJoins(claims);
      return {
        role: claims.role,
        // Looked up on each use: an empty session is forgotten, and made anew under its name.
        session: {
          name: claims.session,
          addViewer: (...viewer) => session(claims.session).addViewer(...viewer, claims.pass.id),
        },
        hold: (end) => tokens.hold(claims.pass, end),
        ...(exchanged === undefined ? {} : { exchanged }),
      };
    } catch (error) {
      if (error instanceof TokenError) {
        await doorkeeper.failure("viewer", request);
        events.viewerRefused(error.message, request.socket.remoteAddress ?? "unknown");
      }
      if (error instanceof Refusal && error.status === 429) {
        throw new Crowded(error.message, { cause: error });
      }
      throw error;
    }
  }
}
