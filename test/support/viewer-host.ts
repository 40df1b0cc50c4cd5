import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { Server } from "socket.io";
import { build } from "vite";
import { createApp } from "#server/http/app.ts";
import { MediaThread } from "#server/media/media-thread.ts";
import {
  DEFAULT_BITRATES,
  type FromMedia,
  LOOPBACK_ICE,
  NONCE_BYTES,
} from "#server/media/messages.ts";
import {
  attachSignaling,
  Crowded,
  MAX_SIGNALING_BYTES,
  type ViewerInlet,
  type ViewerOutlet,
  type ViewerRole,
} from "#server/signaling/signaling.ts";
import { decodeInput } from "#shared/input/codec.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { type SessionState, SIGNALING_PATH } from "#shared/signaling/messages.ts";
import { VideoSource } from "#test/e2e/media/video-source.ts";

const SESSION = "vm";
const REPOSITORY = path.join(import.meta.dirname, "..", "..");

export type ViewerHostOptions = {
  /** Where buildViewer() put the page. */
  readonly viewerFolder: string;
  readonly token: string;
  /** Exchanged once for the token. */
  readonly invitation?: string;
  readonly state: SessionState;
  /** The token's; control when absent. */
  readonly role?: "view" | "control";
  /** A free one when absent. */
  readonly port?: number;
  readonly width?: number;
  readonly height?: number;
};

/** Builds the page as it is now into a folder of its own; the caller removes it. */
export async function buildViewer(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-viewer-"));
  await build({
    configFile: path.join(REPOSITORY, "vite.config.ts"),
    logLevel: "warn",
    build: { outDir: folder },
  });
  return folder;
}

/**
 * All that a viewer meets of a gateway — HTTP, signaling, a media thread with a real encoder's stream — but
 * for the session behind it: the test itself says what state it is in, and sees what input arrives.
 */
export class ViewerHost implements AsyncDisposable {
  readonly name = SESSION;
  readonly #options: ViewerHostOptions;
  readonly #folder: string;
  readonly #media: MediaThread;
  readonly #source: VideoSource;
  readonly #http: HttpServer;
  readonly #io: Server;
  readonly #outlets = new Map<string, ViewerOutlet>();
  readonly #inputs: InputEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #state: SessionState;
  /** Who turns away what comes, with this sentence, until it is undefined again. */
  noRoom: { readonly at: "door" | "session"; readonly sentence: string } | undefined;
  /** Paths and queries of all that was asked for, by HTTP and WebSocket. */
  readonly requests: string[] = [];
  /** Tokens that viewers came with, good or not. */
  readonly tokens: string[] = [];

  private constructor(
    options: ViewerHostOptions,
    folder: string,
    media: MediaThread,
    source: VideoSource,
    receive: { now: (message: FromMedia) => void },
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#media = media;
    this.#source = source;
    this.#state = options.state;
    receive.now = (message) => this.#receive(message);
    const { viewerFolder } = options;
    this.#http = createServer(
      createApp({ viewerFolder, secure: false, readiness: () => ({ ready: true, sentence: "" }) }),
    );
    for (const event of ["request", "upgrade"] as const) {
      this.#http.on(event, ({ url }: IncomingMessage) => this.requests.push(url ?? ""));
    }
    this.#io = new Server(this.#http, {
      path: SIGNALING_PATH,
      maxHttpBufferSize: MAX_SIGNALING_BYTES,
    });
    attachSignaling(this.#io, {
      authenticateOperator: async (token) => {
        this.tokens.push(token);
        if (this.noRoom?.at === "door") throw new Crowded(this.noRoom.sentence);
        if (token === options.invitation) {
          if (this.tokens.filter((each) => each === token).length > 1) {
            throw new Error("The invitation was used already: ask for a new one.");
          }
          return { role: "control", session: this, exchanged: options.token };
        }
        if (token !== options.token) throw new Error("The token is not valid.");
        return { role: options.role ?? "control", session: this };
      },
    });
  }

  static async start(options: ViewerHostOptions): Promise<ViewerHost> {
    const folder = await mkdtemp(path.join(tmpdir(), "heliograph-"));
    const receive = { now: (_message: FromMedia): void => undefined };
    const media = await MediaThread.start(
      { ice: LOOPBACK_ICE, bitrates: DEFAULT_BITRATES },
      (message) => receive.now(message),
      (error) => {
        throw error;
      },
    );
    const nonce = "5e".repeat(NONCE_BYTES);
    const socketPath = path.join(folder, "media.sock");
    await media.expectWorker({ session: SESSION, socketPath, nonce });
    const source = await VideoSource.dial({
      socketPath,
      nonce,
      width: options.width ?? 640,
      height: options.height ?? 360,
      frameRate: 30,
      background: "scrolling",
    });
    source.start();
    const host = new ViewerHost(options, folder, media, source, receive);
    host.#http.listen(options.port ?? 0, "127.0.0.1");
    await once(host.#http, "listening");
    return host;
  }

  get port(): number {
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("It does not listen.");
    return address.port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** What an operator is given. */
  get link(): string {
    return `${this.address}#token=${this.#options.token}`;
  }

  get viewers(): number {
    return this.#outlets.size;
  }

  /** What arrived and was not taken. */
  get inputs(): readonly InputEvent[] {
    return this.#inputs;
  }

  say(state: SessionState): void {
    this.#state = state;
    for (const outlet of this.#outlets.values()) outlet.state(state);
  }

  refuse(sentence: string): void {
    for (const outlet of this.#outlets.values()) outlet.refuse(sentence);
  }

  /** Ends the peer connections, and them only. */
  dropVideo(): void {
    for (const viewer of this.#outlets.keys()) {
      this.#media.post({ type: "removeViewer", viewer });
    }
  }

  /** The program draws no more. */
  async stopDrawing(): Promise<void> {
    await this.#source.stop();
  }

  draw(): void {
    this.#source.start();
  }

  /** Takes the events up to the first that fits, in the order of their arrival. */
  async inputsUntil(fits: (event: InputEvent) => boolean): Promise<readonly InputEvent[]> {
    for (;;) {
      const at = this.#inputs.findIndex(fits);
      if (at !== -1) return this.#inputs.splice(0, at + 1);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  addViewer(viewer: string, role: ViewerRole, outlet: ViewerOutlet): ViewerInlet {
    if (this.noRoom !== undefined) throw new Error(this.noRoom.sentence);
    this.#outlets.set(viewer, outlet);
    outlet.state(this.#state);
    this.#media.post({ type: "addViewer", session: SESSION, viewer, control: role !== "view" });
    return {
      description: (description) => this.#media.post({ type: "description", viewer, description }),
      candidate: (candidate) => this.#media.post({ type: "candidate", viewer, candidate }),
      left: () => {
        this.#outlets.delete(viewer);
        this.#media.post({ type: "removeViewer", viewer });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
    await this.#io.close();
    await this.#media.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #receive(message: FromMedia): void {
    switch (message.type) {
      case "description":
        this.#outlets.get(message.viewer)?.description(message.description);
        break;
      case "candidate":
        this.#outlets.get(message.viewer)?.candidate(message.candidate);
        break;
      case "input":
        this.#inputs.push(decodeInput(message.event));
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
        break;
      case "workerFault":
        throw new Error(message.reason);
      case "fault":
        throw new Error(message.stack);
      case "ready":
      case "listening":
      case "stats":
      case "viewerState":
        break;
    }
  }
}
