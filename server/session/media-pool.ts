import { randomBytes } from "node:crypto";
import path from "node:path";
import { MediaThread } from "#server/media/media-thread.ts";
import {
  type FromMedia,
  type MediaOptions,
  NONCE_BYTES,
  type ToMedia,
} from "#server/media/messages.ts";

export type MediaMessage = Exclude<FromMedia, { type: "ready" | "listening" | "fault" }>;

export type MediaPoolEvents = {
  readonly message: (session: string, message: MediaMessage) => void;
  /** The thread of these sessions died and another took its place: open them again. */
  readonly lost: (sessions: readonly string[], error: Error) => void;
  /** No thread could be started in the place of one that died. */
  readonly failed: (error: unknown) => void;
  /** A thread went wrong at one viewer of this session, and goes on. */
  readonly contained: (session: string, error: Error) => void;
};

/** The media threads, with each session always on the same one. Owns them. */
export class MediaPool implements AsyncDisposable {
  readonly #folder: string;
  readonly #options: MediaOptions;
  readonly #events: MediaPoolEvents;
  readonly #threads: MediaThread[] = [];
  readonly #sessions = new Set<string>();
  readonly #viewers = new Map<string, string>();
  #sockets = 0;
  #closed = false;

  private constructor(folder: string, options: MediaOptions, events: MediaPoolEvents) {
    this.#folder = folder;
    this.#options = options;
    this.#events = events;
  }

  /** `folder`: one that only this user can enter (0700), for the sockets that workers dial. */
  static async start(
    count: number,
    folder: string,
    options: MediaOptions,
    events: MediaPoolEvents,
  ): Promise<MediaPool> {
    const pool = new MediaPool(folder, options, events);
    const slots = Array.from({ length: count }, (_, slot) => slot);
    const threads = await Promise.allSettled(slots.map((slot) => pool.#startThread(slot)));
    for (const thread of threads) {
      if (thread.status === "fulfilled") continue;
      await pool.close();
      throw thread.reason;
    }
    return pool;
  }

  /** Viewers may be added to the session. */
  openSession(session: string, maxBitrate: number | undefined): void {
    this.#sessions.add(session);
    this.post(session, { type: "openSession", session, ...bounded(maxBitrate) });
  }

  /**
   * Has the thread listen for a new worker of the session, on a socket of its own: what the worker is to dial and say. Throws
   * an Error with a sentence.
   */
  async expectWorker(
    session: string,
    maxBitrate: number | undefined,
  ): Promise<{ readonly socketPath: string; readonly nonce: string }> {
    const nonce = randomBytes(NONCE_BYTES).toString("hex");
    const socketPath = path.join(this.#folder, `media-${++this.#sockets}.sock`);
    this.#sessions.add(session);
    const thread = this.#threadOf(session);
    await thread.expectWorker({ session, socketPath, nonce, ...bounded(maxBitrate) });
    return { socketPath, nonce };
  }

  closeSession(session: string): void {
    this.#sessions.delete(session);
    this.post(session, { type: "closeSession", session });
  }

  post(session: string, message: ToMedia): void {
    if (message.type === "addViewer") this.#viewers.set(message.viewer, session);
    if (message.type === "removeViewer") this.#viewers.delete(message.viewer);
    if (!this.#closed) this.#threadOf(session).post(message);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #startThread(slot: number): Promise<void> {
    this.#threads[slot] = await MediaThread.start(
      this.#options,
      (message) => this.#receive(message),
      (error) => void this.#replace(slot, error),
    );
  }

  async #replace(slot: number, error: Error): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#startThread(slot);
    } catch (failure) {
      this.#events.failed(failure);
      return;
    }
    const lost = [...this.#sessions].filter((session) => this.#slotOf(session) === slot);
    this.#events.lost(lost, error);
  }

  #receive(message: FromMedia): void {
    if (message.type === "ready" || message.type === "listening") return; // The thread's own.
    if (message.type === "fault") {
      this.#events.contained(message.session, withStack(message.stack));
      return;
    }
    const session = "session" in message ? message.session : this.#viewers.get(message.viewer);
    if (session !== undefined) this.#events.message(session, message);
  }

  #threadOf(session: string): MediaThread {
    const thread = this.#threads[this.#slotOf(session)];
    if (thread === undefined) throw new Error("No media thread runs.");
    return thread;
  }

  /** FNV-1a: spreads names that differ in one character. */
  #slotOf(session: string): number {
    let hash = 0x811c9dc5;
    for (let at = 0; at < session.length; at++) {
      hash = Math.imul(hash ^ session.charCodeAt(at), 0x01000193) >>> 0;
    }
    return hash % this.#threads.length;
  }
}

function bounded(maxBitrate: number | undefined): { readonly maxBitrate?: number } {
  return maxBitrate === undefined ? {} : { maxBitrate };
}

/** An Error does not cross threads whole. */
function withStack(stack: string): Error {
  const error = new Error(stack.split("\n", 1)[0]);
  error.stack = stack;
  return error;
}
