import { io, type Socket } from "socket.io-client";
import type { AdminNews, ServerToAdmin } from "#shared/admin/messages.ts";
import { ADMIN_NAMESPACE } from "#shared/admin/paths.ts";
import { SIGNALING_PATH } from "#shared/signaling/messages.ts";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;

export type LiveEvents = {
  readonly news: (news: AdminNews) => void;
  /** The gateway does not answer; the next attempt is on its way. */
  readonly lost: () => void;
  /** The gateway does not want this page; there is no next attempt. */
  readonly refused: (sentence: string) => void;
};

/** What the gateway tells each second. It comes back by itself until it is refused or closed. */
export class Live {
  readonly #socket: Socket<ServerToAdmin, Record<string, never>>;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(token: string, events: LiveEvents) {
    this.#socket = io(ADMIN_NAMESPACE, {
      path: SIGNALING_PATH,
      auth: { token },
      transports: ["websocket"],
      reconnectionDelay: FIRST_RETRY_MS,
      reconnectionDelayMax: LAST_RETRY_MS,
      forceNew: true,
    });
    const refuse = (sentence: string): void => {
      if (this.#ended) return;
      this.close();
      events.refused(sentence);
    };
    this.#socket.on("news", events.news);
    this.#socket.on("refused", refuse);
    this.#socket.on("connect_error", (error) => {
      // An active socket tries again by itself; an inactive one was turned away at the door.
      if (this.#socket.active) events.lost();
      else refuse(error.message);
    });
    this.#socket.on("disconnect", (reason) => {
      if (this.#ended) return;
      events.lost();
      // socket.io does not come back by itself when the server ended the connection.
      if (reason === "io server disconnect") {
        this.#retry = setTimeout(() => this.#socket.connect(), LAST_RETRY_MS);
      }
    });
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#retry);
    this.#socket.disconnect();
  }
}
