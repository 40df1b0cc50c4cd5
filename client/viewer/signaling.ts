import { io, type Socket } from "socket.io-client";
import {
  type Candidate,
  type Description,
  type ServerToViewer,
  type SessionState,
  SIGNALING_PATH,
  VIEWER_NAMESPACE,
  type ViewerToServer,
  type Welcome,
} from "#shared/signaling/messages.ts";
import { Backoff } from "./backoff.ts";

const FIRST_RETRY_MS = 500;
/** A gateway that was started anew has its viewers back within 5 s, their video included. */
const LAST_RETRY_MS = 2_000;
const CONNECT_TIMEOUT_MS = 8_000;

export type SignalingEvents = {
  /** The gateway took the token; it opens a new peer connection with its offer. */
  readonly opened: () => void;
  /** What the token opened. */
  readonly welcome: (welcome: Welcome) => void;
  readonly description: (description: Description) => void;
  readonly candidate: (candidate: Candidate | null) => void;
  readonly session: (state: SessionState) => void;
  /** There is no room now, for the reason that the sentence gives: it tries again. */
  readonly busy: (sentence: string) => void;
  /** The invitation that this viewer came with is used up; this is its token from now on. */
  readonly token: (token: string) => void;
  /** The gateway does not answer; the next attempt is on its way. */
  readonly lost: () => void;
  /** The gateway does not want this viewer; there is no next attempt. */
  readonly refused: (sentence: string) => void;
};

/**
 * The control connection to the gateway. It comes back by itself until it is refused or closed.
 * One connection of it stands for one viewer at the gateway, and so for one peer connection.
 */
export class Signaling {
  readonly #events: SignalingEvents;
  readonly #socket: Socket<ServerToViewer, ViewerToServer>;
  readonly #backoff = new Backoff(FIRST_RETRY_MS, LAST_RETRY_MS);
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  /** The gateway said that it has no room: the end of the connection follows. */
  #isTurnedAway = false;

  constructor(token: string, events: SignalingEvents) {
    this.#events = events;
    this.#socket = io(VIEWER_NAMESPACE, {
      path: SIGNALING_PATH,
      auth: { token },
      transports: ["websocket"],
      reconnectionDelay: FIRST_RETRY_MS,
      reconnectionDelayMax: LAST_RETRY_MS,
      timeout: CONNECT_TIMEOUT_MS,
      forceNew: true,
    });
    this.#socket.on("connect", events.opened);
    this.#socket.on("welcome", events.welcome);
    this.#socket.on("description", events.description);
    this.#socket.on("candidate", events.candidate);
    this.#socket.on("session", events.session);
    this.#socket.on("token", (given) => {
      this.#socket.auth = { token: given };
      events.token(given);
    });
    this.#socket.on("refused", (sentence) => this.#refuse(sentence));
    this.#socket.on("busy", (sentence) => {
      this.#isTurnedAway = true;
      events.busy(sentence);
    });
    this.#socket.on("connect_error", (error) => {
      // An active socket tries again by itself; an inactive one was turned away at the door.
      if (this.#socket.active) events.lost();
      else if (maybeLater(error)) {
        events.busy(error.message);
        this.#connectLater();
      } else this.#refuse(error.message);
    });
    this.#socket.on("disconnect", (reason) => {
      // Whoever closed it here knows why: the gateway is not to blame.
      if (this.#ended || reason === "io client disconnect") return;
      if (!this.#isTurnedAway) events.lost();
      this.#isTurnedAway = false;
      // socket.io does not come back by itself when the server ended the connection.
      if (reason === "io server disconnect") this.#connectLater();
    });
  }

  sendDescription(description: Description): void {
    this.#socket.emit("description", description);
  }

  sendCandidate(candidate: Candidate | null): void {
    this.#socket.emit("candidate", candidate);
  }

  /** Becomes a new viewer at the gateway, and so gets a new peer connection. */
  restart(): void {
    if (this.#ended) return;
    this.#socket.disconnect();
    this.#connectLater();
  }

  /** Is no viewer at the gateway until connectNow(). */
  leave(): void {
    clearTimeout(this.#retry);
    this.#socket.disconnect();
  }

  /** Tries at once, where the next attempt would be later. */
  connectNow(): void {
    if (this.#ended || this.#socket.connected) return;
    this.leave(); // What waits for its turn, or for an answer through a network that is gone.
    this.#backoff.reset();
    this.#socket.connect();
  }

  /** The way to the gateway works in full: the next restart() may be quick again. */
  settled(): void {
    this.#backoff.reset();
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#socket.disconnect();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #refuse(sentence: string): void {
    if (this.#ended) return;
    this.close();
    this.#events.refused(sentence);
  }

  #connectLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#socket.connect(), this.#backoff.next());
  }
}

/** The `connect_error` of a gateway that takes the token, and has no room now. */
function maybeLater(error: Error): boolean {
  const data: unknown = "data" in error ? error.data : undefined;
  return typeof data === "object" && data !== null && "tryAgain" in data;
}
