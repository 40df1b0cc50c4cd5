import { randomBytes } from "node:crypto";
import module from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { Blame } from "./blame.ts";
import { MediaSession } from "./media-session.ts";
import type { BitrateBounds, FromMedia, MediaOptions, ToMedia } from "./messages.ts";
import type { Viewer } from "./viewer.ts";
import { WorkerPort } from "./worker-port.ts";

// Entry of a media thread: WebRTC is the costliest JavaScript on the host, so it runs off the
// gateway's event loop. Sessions are independent of one another.

const TICK_MS = 1000;

class MediaThreadMain {
  readonly #options: MediaOptions;
  readonly #post: (message: FromMedia) => void;
  readonly #port: WorkerPort;
  readonly #blame = new Blame();
  readonly #sessions = new Map<string, { session: MediaSession; nonce: string }>();
  /** The session of each viewer. */
  readonly #viewers = new Map<string, MediaSession>();
  readonly #ticks: NodeJS.Timeout;

  constructor(options: MediaOptions, port: WorkerPort, post: (message: FromMedia) => void) {
    this.#options = options;
    this.#port = port;
    this.#post = (message) => {
      if (message.type === "viewerState" && isEnd(message.state)) {
        this.#viewers.delete(message.viewer);
      }
      post(message);
    };
    this.#blame.listen();
    this.#ticks = setInterval(() => {
      for (const { session } of this.#sessions.values()) session.tick();
    }, TICK_MS);
  }

  receive(message: ToMedia): void {
    switch (message.type) {
      case "openSession":
        this.#openSession(message.session, message.nonce, message.maxBitrate);
        break;
      case "limitBitrate":
        this.#sessions.get(message.session)?.session.limitBitrate(this.#bounds(message.maxBitrate));
        break;
      case "closeSession":
        this.#closeSession(message.session);
        break;
      case "addViewer":
        this.#addViewer(message.session, message.viewer, message.control);
        break;
      case "removeViewer":
        this.#viewers.get(message.viewer)?.removeViewer(message.viewer);
        break;
      case "description":
        this.#tell(message.viewer, (viewer) => viewer.description(message.description));
        break;
      case "candidate":
        this.#tell(message.viewer, (viewer) => viewer.candidate(message.candidate));
        break;
      case "shutdown":
        this.#close();
        break;
      default:
        message satisfies never;
    }
  }

  #openSession(id: string, nonce: string, maxBitrate: number | undefined): void {
    const bounds = this.#bounds(maxBitrate);
    let entry = this.#sessions.get(id);
    if (entry === undefined) {
      const { ice } = this.#options;
      entry = { session: new MediaSession(id, ice, bounds, this.#blame, this.#post), nonce };
      this.#sessions.set(id, entry);
    } else {
      entry.session.limitBitrate(bounds);
    }
    this.#port.forget(entry.nonce);
    entry.nonce = nonce;
    const { session } = entry;
    this.#port.expect(nonce, {
      connected: (link) => session.workerConnected(link),
      accessUnit: (unit) => session.accessUnit(unit),
      fault: (reason) => this.#post({ type: "workerFault", session: id, reason }),
      gone: (link) => session.workerGone(link),
    });
  }

  #bounds(maxBitrate: number | undefined): BitrateBounds {
    const { bitrates } = this.#options;
    const max = Math.max(bitrates.min, Math.min(bitrates.max, maxBitrate ?? Infinity));
    return { min: bitrates.min, start: Math.min(bitrates.start, max), max };
  }

  #closeSession(id: string): void {
    const entry = this.#sessions.get(id);
    if (entry === undefined) return;
    this.#sessions.delete(id);
    this.#port.forget(entry.nonce);
    entry.session.close();
  }

  #addViewer(sessionId: string, id: string, control: boolean): void {
    const session = this.#sessions.get(sessionId)?.session;
    if (session === undefined) {
      const reason = `The session (${sessionId}) is not open.`;
      this.#post({ type: "viewerState", viewer: id, state: "failed", reason });
      return;
    }
    this.#viewers.set(id, session); // It may fail as it is made.
    session.addViewer(id, control);
    this.#tell(id, (viewer) => viewer.offer());
  }

  /** A viewer that left meanwhile is told nothing; one that said something wrong is closed. */
  #tell(id: string, say: (viewer: Viewer) => Promise<void>): void {
    const session = this.#viewers.get(id);
    session?.atViewer(id, (viewer) => {
      say(viewer).catch((error: unknown) => {
        session.viewerFailed(id, error instanceof Error ? error.message : String(error));
      });
    });
  }

  #close(): void {
    clearInterval(this.#ticks);
    for (const id of this.#sessions.keys()) this.#closeSession(id);
    this.#port.close();
    parentPort?.close();
  }
}

function isEnd(state: string): boolean {
  return state === "failed" || state === "closed";
}

const parent = parentPort;
if (parent === null) throw new Error("A media thread runs as a worker thread only.");
const options: MediaOptions = workerData;
const port = await WorkerPort.listen(
  options.folder,
  `media-${randomBytes(8).toString("hex")}.sock`,
);
const thread = new MediaThreadMain(options, port, (message) => parent.postMessage(message));
parent.on("message", (message: ToMedia) => thread.receive(message));
parent.postMessage({ type: "listening", socketPath: port.socketPath } satisfies FromMedia);
module.flushCompileCache(); // Its gateway may not live to end it in order.
