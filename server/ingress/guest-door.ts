import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { type GuestClaims, TokenError } from "#server/auth/claims.ts";
import type { Pass } from "#server/auth/holders.ts";
import type { Checked } from "#server/auth/tokens.ts";
import type { Events } from "#server/observe/events.ts";
import type { RecordingFile } from "#server/recording/recording-file.ts";
import type { Session } from "#server/session/session.ts";
import { SessionUnavailable } from "#server/session/session-unavailable.ts";
import { parseResume, RESUME_HEADER, type ResumeRequest } from "#shared/link/control.ts";
import {
  GUEST_SUBPROTOCOL,
  MAX_UP_MESSAGE_BYTES,
  RESUMABLE_SUBPROTOCOL,
} from "#shared/link/guest-link.ts";
import { bearerToken, tokenRefusal } from "./bearer.ts";
import { BufferCollector } from "./buffer-collector.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import { DownFrames } from "./down-frames.ts";
import { GuestLink, type MakeCarrier } from "./guest-link.ts";
import { GuestSocket } from "./guest-socket.ts";
import { PlainCarrier } from "./plain-carrier.ts";
import { Refusal, sendRefusal } from "./refusal.ts";
import { ResumableCarrier } from "./resumable-carrier.ts";
import { ResumableLinks } from "./resumable-links.ts";

/**
 * Upgrades at once whose token is not checked yet. Bounds what strangers make the gateway hold. Those with a good token are
 * counted by their session (MAX_CONNECTIONS), so that programs that wait for one worker keep out nobody else's.
 */
export const MAX_UNCHECKED = 256;

export type GuestDoorOptions = {
  /** Throws TokenError. */
  readonly authenticate: (token: string) => Promise<Checked<GuestClaims>>;
  /** Calls `end` when the token no longer counts; returns what ends the wait. */
  readonly hold: (pass: Pass, end: (sentence: string) => void) => () => void;
  readonly doorkeeper: Doorkeeper;
  readonly hasProfile: (profile: string) => boolean;
  /** Why a session's guests are not let in, as a sentence; undefined where they are. */
  readonly quarantined: (session: string) => string | undefined;
  readonly session: (claims: GuestClaims) => Session;
  /** A link that broke is kept so long for its relay. */
  readonly resumeMs: number;
  /** What keeps a connection's bytes, where it is recorded. */
  readonly recording: (session: string, connection: number) => RecordingFile | undefined;
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
    handleProtocols: (offered) =>
      offered.has(RESUMABLE_SUBPROTOCOL) ? RESUMABLE_SUBPROTOCOL : GUEST_SUBPROTOCOL,
  });
  readonly #resumable = new ResumableLinks();
  readonly #collector = new BufferCollector();
  readonly #downFrames = new DownFrames();
  #unchecked = 0;
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
    try {
      const claims = await this.#identifyOneOfMany(request);
      this.#options.doorkeeper.authenticated(request);
      await this.#options.doorkeeper.joins("guest", claims.session);
      this.#checkAllowed(claims);
      const resume = resumeRequest(request);
      if (resume !== undefined) {
        if (!socket.destroyed) this.#resume(claims, resume, request, socket, head, onError);
        return;
      }
      const session = this.#options.session(claims);
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
        const makeCarrier = this.#carrierFor(ws, session.name);
        GuestLink.join(makeCarrier, connection, {
          session,
          collector: this.#collector,
          rate: this.#downFrames.of(session),
          recording: this.#options.recording(session.name, connection.id),
        });
        const letGo = this.#options.hold(claims.pass, (sentence) => connection.end(sentence));
        connection.data.once("close", letGo);
      });
      if (!upgraded) {
        connection.end("The handshake failed.");
        session.release(connection, "Its WebSocket handshake failed.", false);
      }
    } catch (error) {
      const refusal = await this.#refusalFor(error, request);
      const address = request.socket.remoteAddress ?? "unknown";
      // The doorkeeper has told of a flood, once.
      if (refusal.status !== 429) {
        this.#options.events.guestRefused(refusal.status, refusal.message, address);
      }
      if (refusal.status === 500) this.#options.events.fault("A guest could not be let in.", error);
      sendRefusal(socket, refusal);
    }
  }

  /** What admit() would check, without letting anybody in. Throws Refusal. */
  async check(request: IncomingMessage): Promise<void> {
    try {
      this.#checkAllowed(await this.#identify(request));
    } catch (error) {
      throw await this.#refusalFor(error, request);
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

  /** From the check to the takeover nothing else runs: of two requests at once, the second is late. */
  #resume(
    claims: GuestClaims,
    resume: ResumeRequest,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    onError: () => void,
  ): void {
    this.#checkOpen();
    const carrier = this.#resumable.find(claims.session, resume);
    socket.off("error", onError);
    this.#server.handleUpgrade(request, socket, head, (ws) => carrier.resume(ws, resume));
  }

  #carrierFor(ws: WebSocket, session: string): MakeCarrier {
    if (ws.protocol !== RESUMABLE_SUBPROTOCOL) return (events) => new PlainCarrier(ws, events);
    const { resumeMs } = this.#options;
    return (events) =>
      this.#resumable.open(
        session,
        (link) => new ResumableCarrier(ws, { ...link, resumeMs, events }),
      );
  }

  /** Of tokens that are not good, an address shows so many; then it is told to wait. */
  async #refusalFor(error: unknown, request: IncomingMessage): Promise<Refusal> {
    const refusal = refusalFor(error);
    if (refusal.status !== 401 && !(error instanceof TokenError)) return refusal;
    try {
      await this.#options.doorkeeper.failure("guest", request);
      return refusal;
    } catch (limit) {
      return refusalFor(limit);
    }
  }

  async #identifyOneOfMany(request: IncomingMessage): Promise<Checked<GuestClaims>> {
    this.#checkOpen();
    if (this.#unchecked >= MAX_UNCHECKED) {
      throw new Refusal(503, `${MAX_UNCHECKED} programs are waiting to be let in; try again.`);
    }
    this.#unchecked++;
    try {
      return await this.#identifyInCrowd(request);
    } finally {
      this.#unchecked--;
    }
  }

  /** Where an address comes too often, a good token still counts: VMs behind one NAT share the address. */
  async #identifyInCrowd(request: IncomingMessage): Promise<Checked<GuestClaims>> {
    const attempt = this.#options.doorkeeper.attempt("guest", request);
    const [attempted, identified] = await Promise.allSettled([attempt, this.#identify(request)]);
    if (identified.status === "fulfilled") return identified.value;
    throw attempted.status === "rejected" ? attempted.reason : identified.reason;
  }

  async #identify(request: IncomingMessage): Promise<Checked<GuestClaims>> {
    checkVersion(request);
    return this.#options.authenticate(bearerToken(request, "guest"));
  }

  /** Once its session's joins are counted: who is kept out would else fill the log. */
  #checkAllowed({ session, profile }: GuestClaims): void {
    const quarantined = this.#options.quarantined(session);
    if (quarantined !== undefined) throw new Refusal(403, quarantined);
    if (this.#options.hasProfile(profile)) return;
    throw new Refusal(
      403,
      `The token names profile "${profile}", which this gateway does not have: ask for another token.`,
    );
  }

  #checkOpen(): void {
    if (this.#closed) throw new Refusal(503, "The gateway is stopping.");
  }
}

function checkVersion(request: IncomingMessage): void {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  const known: readonly string[] = [GUEST_SUBPROTOCOL, RESUMABLE_SUBPROTOCOL];
  if (offered.split(",").some((name) => known.includes(name.trim()))) return;
  throw new Refusal(
    426,
    `This gateway speaks ${GUEST_SUBPROTOCOL}, and the request offers ${offered === "" ? "nothing" : JSON.stringify(offered.slice(0, 64))}: ` +
      "run the relay and the gateway from the same release, or name the subprotocol.",
    { Upgrade: "websocket", "Sec-WebSocket-Protocol": GUEST_SUBPROTOCOL },
  );
}

/** Undefined for a guest that opens a new connection. Throws Refusal. */
function resumeRequest(request: IncomingMessage): ResumeRequest | undefined {
  const value = request.headers[RESUME_HEADER];
  if (value === undefined) return undefined;
  const resume = parseResume(String(value));
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  if (resume !== undefined && offered === RESUMABLE_SUBPROTOCOL) return resume;
  throw new Refusal(
    400,
    `A connection is resumed under ${RESUMABLE_SUBPROTOCOL} by "${RESUME_HEADER}: ID ATTEMPT COUNT".`,
  );
}

function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof SessionUnavailable) return new Refusal(503, error.message);
  if (error instanceof TokenError) return tokenRefusal(error);
  return new Refusal(500, "The gateway failed to let the program in; its log says why.");
}
