import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { type GuestClaims, TokenError } from "#server/auth/claims.ts";
import type { Events } from "#server/observe/events.ts";
import { type Session, SessionUnavailable } from "#server/session/session.ts";
import { GUEST_SUBPROTOCOL, MAX_UP_MESSAGE_BYTES } from "#shared/link/guest-link.ts";
import { BufferCollector } from "./buffer-collector.ts";
import { GuestLink } from "./guest-link.ts";
import { GuestSocket } from "./guest-socket.ts";
import { Refusal, sendRefusal } from "./refusal.ts";

/** Upgrades under way at once. Bounds what strangers with a valid token make the gateway hold. */
const MAX_PENDING = 256;

export type GuestDoorOptions = {
  /** Throws TokenError. */
  readonly authenticate: (token: string) => Promise<GuestClaims>;
  readonly hasProfile: (profile: string) => boolean;
  readonly session: (claims: GuestClaims) => Session;
  readonly events: Events;
};

/** Lets guests in: a checked token and a way to a GPU worker come first, the WebSocket after. */
export class GuestDoor implements Disposable {
  readonly #options: GuestDoorOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_UP_MESSAGE_BYTES,
    WebSocket: GuestSocket,
    handleProtocols: () => GUEST_SUBPROTOCOL,
  });
  readonly #collector = new BufferCollector();
  #pending = 0;
  #closed = false;

  constructor(options: GuestDoorOptions) {
    this.#options = options;
    this.#server.on("wsClientError", (error, socket) => {
      sendRefusal(socket, new Refusal(400, `This is no WebSocket handshake: ${error.message}.`));
    });
  }

  /** Takes over the upgrade request and its socket. Never rejects. */
  async admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const onError = () => socket.destroy();
    socket.on("error", onError);
    this.#pending++;
    try {
      this.#checkRoom();
      const session = this.#options.session(await this.#identify(request));
      const connection = await session.admit();
      if (socket.destroyed || this.#closed) {
        socket.destroy();
        connection.end("The program went away.");
        session.release(connection, "The program went away before it was let in.", false);
        return;
      }
      socket.off("error", onError);
      let upgraded = false;
      this.#server.handleUpgrade(request, socket, head, (ws) => {
        upgraded = true;
        GuestLink.join(ws, connection, session, this.#collector);
      });
      if (!upgraded) {
        connection.end("The handshake failed.");
        session.release(connection, "Its WebSocket handshake failed.", false);
      }
    } catch (error) {
      const refusal = refusalFor(error);
      const address = request.socket.remoteAddress ?? "unknown";
      this.#options.events.guestRefused(refusal.status, refusal.message, address);
      if (refusal.status === 500) this.#options.events.fault("A guest could not be let in.", error);
      sendRefusal(socket, refusal);
    } finally {
      this.#pending--;
    }
  }

  /** What admit() would check, without letting anybody in. Throws Refusal. */
  async check(request: IncomingMessage): Promise<void> {
    try {
      await this.#identify(request);
    } catch (error) {
      throw refusalFor(error);
    }
  }

  /** No guest is let in from now on; those inside end with their sessions. */
  close(): void {
    this.#closed = true;
    this.#server.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #identify(request: IncomingMessage): Promise<GuestClaims> {
    checkVersion(request);
    const claims = await this.#options.authenticate(bearerToken(request));
    if (this.#options.hasProfile(claims.profile)) return claims;
    throw new Refusal(
      403,
      `The token names profile "${claims.profile}", which this gateway does not have: ask for another token.`,
    );
  }

  #checkRoom(): void {
    if (this.#closed) throw new Refusal(503, "The gateway is stopping.");
    if (this.#pending > MAX_PENDING) {
      throw new Refusal(503, `${MAX_PENDING} programs are waiting to be let in; try again.`);
    }
  }
}

function checkVersion(request: IncomingMessage): void {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  if (offered.split(",").some((name) => name.trim() === GUEST_SUBPROTOCOL)) return;
  throw new Refusal(
    426,
    `This gateway speaks ${GUEST_SUBPROTOCOL}, and the relay offers ${offered === "" ? "nothing" : JSON.stringify(offered.slice(0, 64))}: ` +
      "run the relay and the gateway from the same release.",
    { Upgrade: "websocket", "Sec-WebSocket-Protocol": GUEST_SUBPROTOCOL },
  );
}

function bearerToken(request: IncomingMessage): string {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
  if (token !== undefined) return token;
  throw new Refusal(401, 'The request has no guest token: send "Authorization: Bearer TOKEN".', {
    "WWW-Authenticate": "Bearer",
  });
}

function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof SessionUnavailable) return new Refusal(503, error.message);
  if (error instanceof TokenError) {
    return error.reason === "role"
      ? new Refusal(403, error.message)
      : new Refusal(401, error.message, { "WWW-Authenticate": "Bearer" });
  }
  return new Refusal(500, "The gateway failed to let the program in; its log says why.");
}
