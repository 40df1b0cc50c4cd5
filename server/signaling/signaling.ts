import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Namespace, Server, Socket } from "socket.io";
import { z } from "zod";
import {
  type Candidate,
  type Description,
  type ServerToViewer,
  type SessionState,
  TRY_AGAIN,
  VIEWER_NAMESPACE,
  type ViewerToServer,
} from "#shared/signaling/messages.ts";
import { TokenBucket } from "#shared/base/token-bucket.ts";

// Signaling: brings a viewer's descriptions and candidates to its session and the session's to it.
// Who may view what, and what a session is, is told to it: see SignalingOptions.

export type ViewerRole = "view" | "control" | "admin";

/** What a session says to one viewer. Each call is harmless after the viewer left. */
export type ViewerOutlet = {
  description(description: Description): void;
  candidate(candidate: Candidate | null): void;
  state(state: SessionState): void;
  /** Ends the viewer's connection; it does not try again. */
  refuse(sentence: string): void;
  /** Ends the viewer's connection; it comes back as a new viewer. */
  disconnect(): void;
};

/** What one viewer says to its session; the session returns it from addViewer and owns its end. */
export type ViewerInlet = {
  description(description: Description): void;
  candidate(candidate: Candidate | null): void;
  /** The viewer's signaling connection is gone, and with it the viewer. Called once. */
  left(): void;
};

type ViewableSession = {
  readonly name: string;
  /**
   * `viewer` is unique for the gateway's life. Throws an Error whose message is a sentence for the
   * viewer when there is no room for it now.
   */
  addViewer(viewer: string, role: ViewerRole, outlet: ViewerOutlet): ViewerInlet;
};

/** What a viewer's token lets it do. */
export type Admission = {
  readonly session: ViewableSession;
  readonly role: ViewerRole;
  /** The token that the viewer has from now on, where it came with an invitation. */
  readonly exchanged?: string;
  /** Calls `end` when the token no longer counts; returns what ends the wait. Absent: it always counts. */
  readonly hold?: (end: (sentence: string) => void) => () => void;
};

/** A good token can't be let in now; the message is a sentence for the operator. */
export class Crowded extends Error {
  override name = "Crowded" as const;
  /** What socket.io sends with the error. */
  readonly data = TRY_AGAIN;
}

export type SignalingOptions = {
  /** Throws an Error whose message is a sentence for the operator; a Crowded lets it try again. `request` is the WebSocket's. */
  authenticateOperator(token: string, request: IncomingMessage): Promise<Admission>;
};

/** A token in a viewer's handshake. Bounds the work of checking a stranger's. */
export const MAX_TOKEN_CHARACTERS = 4096;

/** One SDP. Bounds what a viewer makes the media thread parse; a browser's answer has about 3 KB. */
export const MAX_SDP_CHARACTERS = 32 * 1024;

/** Messages of one viewer: bounds the work for the media thread. A join needs about 20. */
export const MAX_MESSAGES_PER_SECOND = 50;

/**
 * Packets of one connection: messages, and engine.io's own pings. Bounds what a stranger who has shown no token
 * makes the gateway parse and answer.
 */
export const MAX_PACKETS_PER_SECOND = 2 * MAX_MESSAGES_PER_SECOND;

/** For the socket.io server's `maxHttpBufferSize`: no message of a viewer is larger. */
export const MAX_SIGNALING_BYTES = 2 * MAX_SDP_CHARACTERS;

const Handshake = z.object({ token: z.string().min(1).max(MAX_TOKEN_CHARACTERS) });
const DescriptionMessage = z.object({
  type: z.literal("answer"),
  sdp: z.string().min(1).max(MAX_SDP_CHARACTERS),
});
const CandidateMessage = z
  .object({
    candidate: z.string().max(1024),
    sdpMid: z.string().max(64).nullable().default(null),
    sdpMLineIndex: z.number().int().min(0).max(64).nullable().default(null),
  })
  .nullable();

type ViewerData = { admission: Admission };
type NoEvents = Record<string, never>;
type ViewerNamespace = Namespace<ViewerToServer, ServerToViewer, NoEvents, ViewerData>;
type ViewerSocket = Socket<ViewerToServer, ServerToViewer, NoEvents, ViewerData>;

/**
 * Serves viewers on the namespace. The socket.io server stays the caller's; give it
 * `path: SIGNALING_PATH` and `maxHttpBufferSize: MAX_SIGNALING_BYTES`.
 */
export function attachSignaling(io: Server, options: SignalingOptions): Disposable {
  const namespace: ViewerNamespace = io.of(VIEWER_NAMESPACE);
  namespace.use((socket, next) => {
    void admit(socket, options, next);
  });
  namespace.on("connection", serveViewer);
  io.engine.on("connection", limitPackets);
  return {
    [Symbol.dispose]() {
      io.engine.off("connection", limitPackets);
      namespace.removeAllListeners("connection");
      namespace.disconnectSockets();
    },
  };
}

function limitPackets(connection: { on: Function; close: (discard: boolean) => void }): void {
  const limit = new TokenBucket(MAX_PACKETS_PER_SECOND, MAX_PACKETS_PER_SECOND);
  connection.on("packet", () => {
    if (!limit.take(performance.now())) connection.close(true);
  });
}

/** The viewer gets a failure as its `connect_error`. */
async function admit(
  socket: ViewerSocket,
  options: SignalingOptions,
  next: (error?: Error) => void,
): Promise<void> {
  const handshake = Handshake.safeParse(socket.handshake.auth);
  if (!handshake.success) {
    turnAway(socket, next, new Error("The viewer's connection carries no token."));
    return;
  }
  try {
    socket.data.admission = await options.authenticateOperator(
      handshake.data.token,
      socket.request,
    );
  } catch (error) {
    turnAway(socket, next, error instanceof Error ? error : new Error(String(error)));
    return;
  }
  next();
}

/** `next` answers with the error. Another token takes another connection, which is counted at the door. */
export function turnAway(
  socket: { readonly conn: { close(): void } },
  next: (error: Error) => void,
  error: Error,
): void {
  next(error);
  setImmediate(() => socket.conn.close()); // After the answer.
}

function serveViewer(socket: ViewerSocket): void {
  const refuse = (sentence: string): void => {
    socket.emit("refused", sentence);
    socket.disconnect(true);
  };
  const { session, role, exchanged, hold } = socket.data.admission;
  socket.emit("welcome", { session: session.name, role });
  if (exchanged !== undefined) socket.emit("token", exchanged);
  let inlet: ViewerInlet;
  try {
    inlet = session.addViewer(randomUUID(), role, {
      description: (description) => socket.emit("description", description),
      candidate: (candidate) => socket.emit("candidate", candidate),
      state: (state) => socket.emit("session", state),
      refuse,
      disconnect: () => void socket.disconnect(true),
    });
  } catch (error) {
    socket.emit("busy", error instanceof Error ? error.message : String(error));
    socket.disconnect(true);
    return;
  }
  const limit = new TokenBucket(MAX_MESSAGES_PER_SECOND, MAX_MESSAGES_PER_SECOND);
  socket.use((_event, next) => {
    if (limit.take(performance.now())) next();
    else refuse(`A viewer sent over ${MAX_MESSAGES_PER_SECOND} messages in a second.`);
  });
  socket.on("description", (message: unknown) => {
    const parsed = DescriptionMessage.safeParse(message);
    if (parsed.success) inlet.description(parsed.data);
    else refuse("A viewer's description is not an SDP answer.");
  });
  socket.on("candidate", (message: unknown) => {
    const parsed = CandidateMessage.safeParse(message);
    if (parsed.success) inlet.candidate(parsed.data);
    else refuse("A viewer's candidate is not an ICE candidate.");
  });
  socket.once("disconnect", () => inlet.left());
  const letGo = hold?.(refuse);
  if (letGo !== undefined) socket.once("disconnect", letGo);
}
