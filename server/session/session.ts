import { setTimeout as delay } from "node:timers/promises";
import type { Profile } from "#server/config/config.ts";
import type { ToMedia } from "#server/media/messages.ts";
import type { Events, Observer } from "#server/observe/events.ts";
import type { ViewerInlet, ViewerOutlet, ViewerRole } from "#server/signaling/signaling.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import { assertNever } from "#shared/base/assert.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import type { SessionState } from "#shared/signaling/messages.ts";
import { DownFrame } from "#shared/wire/frames.ts";
import { Connection } from "./connection.ts";
import type { GpuWorker, WorkerEvents } from "./gpu-worker.ts";
import type { MediaMessage } from "./media-pool.ts";
import { MAX_CONNECTIONS, MAX_VIEWERS } from "./limits.ts";
import { boundedSize, encodeResize, type PictureSize } from "./picture-size.ts";
import { RestartBackoff } from "./restart-backoff.ts";
import { MAX_SURFACES, Surfaces } from "./surfaces.ts";
import { Viewers } from "./viewers.ts";

/** A window that is dragged larger resizes many times; the program is told when it rests. */
const RESIZE_DEBOUNCE_MS = 150;

const DEFAULT_SIZE = { width: 1280, height: 720, devicePixelRatio: 1 };
/** A lit and shadowed scene holds 30 frames a second at this size on a software GPU. */
const DEFAULT_SOFTWARE_SIZE = { width: 640, height: 360, devicePixelRatio: 1 };

/** A session can't take a program or viewer now; the message is a sentence for it. */
export class SessionUnavailable extends Error {
  override name = "SessionUnavailable" as const;
}

export type WorkerRequest = {
  readonly profile: Profile;
  readonly events: WorkerEvents;
  /** The worker is no longer wanted. */
  readonly signal: AbortSignal;
};

export type SessionOptions = {
  readonly name: string;
  readonly frameRate: "paced" | "unlimited";
  readonly unwatchedFrameRate: number;
  readonly workerIdleMs: number;
  readonly events: Events;
  readonly observer: Observer;
  /** Starts this session's GPU worker; throws an Error whose message is a sentence. */
  readonly startWorker: (request: WorkerRequest) => Promise<GpuWorker>;
  readonly postToMedia: (message: ToMedia) => void;
  /** The session holds nothing any more: no program, viewer or worker. */
  readonly onEmpty: () => void;
};

/** One VM: its programs, its GPU worker and who watches. */
export class Session {
  readonly name: string;
  readonly #options: SessionOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #outlets = new Map<string, ViewerOutlet>();
  readonly #viewers = new Viewers();
  readonly #surfaces = new Surfaces();
  readonly #backoff = new RestartBackoff();
  readonly #closing = new AbortController();
  #profile: Profile;
  #size: PictureSize | undefined;
  #state: SessionState = {
    state: "waiting-for-guest",
    sentence: "No program has connected yet.",
  };
  #worker: GpuWorker | undefined;
  #starting: Promise<GpuWorker> | undefined;
  #admitting = 0;
  #lastConnection = 0;
  #resizeTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(profile: Profile, options: SessionOptions) {
    this.name = options.name;
    this.#profile = profile;
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the newest token's profile allows counts for the whole session. */
  set profile(profile: Profile) {
    this.#profile = profile;
    this.#resize(); // A viewer that came first was given a size by another profile.
  }

  /**
   * Makes room for a program: starts the worker where there is none, and opens a way to it. The caller
   * attaches a link and calls release() in the end. Throws SessionUnavailable.
   */
  async admit(): Promise<Connection> {
    if (this.#connections.size + this.#admitting >= MAX_CONNECTIONS) {
      throw new SessionUnavailable(
        `Session ${this.name} has ${MAX_CONNECTIONS} programs already, which is the limit.`,
      );
    }
    this.#admitting++;
    clearTimeout(this.#idleTimer);
    try {
      const worker = await this.#ensureWorker();
      const id = ++this.#lastConnection;
      const data = await worker.open(id);
      if (this.#worker !== worker) {
        data.destroy();
        throw new Error("The GPU worker ended.");
      }
      const connection = new Connection(id, data, this.#interval());
      this.#connections.set(id, connection);
      this.#options.events.guestConnected(this.name, id);
      return connection;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SessionUnavailable(`No GPU worker serves session ${this.name}: ${reason}`, {
        cause,
      });
    } finally {
      this.#admitting--;
      this.#settle();
    }
  }

  /** The program may be sent to: it gets the size to draw at. */
  welcomed(connection: Connection): void {
    connection.link?.send(DownFrame.resize, encodeResize(this.#currentSize()));
  }

  /**
   * The program's connection is gone; the reason is a sentence. After an orderly end the worker still
   * runs what has arrived (a program may draw its last frame and exit); else it stops at once. Idempotent.
   */
  release(connection: Connection, reason: string, orderly: boolean): void {
    connection.ticks.close();
    if (!this.#connections.delete(connection.id)) return;
    if (!orderly) this.#worker?.send({ type: "close", connection: connection.id });
    this.#surfaces.connectionGone(connection.id);
    this.#options.events.guestEnded(this.name, connection.id, reason);
    this.#settle();
  }

  /** The worker sent what it may not: it is killed. */
  workerFault(reason: string): void {
    this.#worker?.kill(`The GPU worker broke its protocol: ${reason}`);
  }

  addViewer(viewer: string, role: ViewerRole, outlet: ViewerOutlet): ViewerInlet {
    if (this.#closing.signal.aborted) {
      outlet.disconnect(); // Not refused: the viewer comes back to the gateway's successor.
      return { description: () => {}, candidate: () => {}, left: () => {} };
    }
    if (this.#viewers.count >= MAX_VIEWERS) {
      throw new SessionUnavailable(
        `Session ${this.name} has ${MAX_VIEWERS} viewers already, which is the limit.`,
      );
    }
    const control = role !== "view";
    const { postToMedia, events } = this.#options;
    this.#viewers.add(viewer, control);
    this.#outlets.set(viewer, outlet);
    events.viewerJoined(this.name, viewer, control);
    outlet.state(this.#state);
    postToMedia({ type: "addViewer", session: this.name, viewer, control });
    this.#audienceChanged();
    return {
      description: (description) => postToMedia({ type: "description", viewer, description }),
      candidate: (candidate) => postToMedia({ type: "candidate", viewer, candidate }),
      left: () => this.#viewerLeft(viewer),
    };
  }

  /** What the media thread says about this session or one of its viewers. */
  onMedia(message: MediaMessage): void {
    switch (message.type) {
      case "description":
        this.#outlets.get(message.viewer)?.description(message.description);
        return;
      case "candidate":
        this.#outlets.get(message.viewer)?.candidate(message.candidate);
        return;
      case "input":
        this.#input(message.viewer, message.event);
        return;
      case "workerFault":
        this.workerFault(message.reason);
        return;
      case "viewerState":
        // The thread has forgotten a viewer that failed; it may come back as a new one.
        if (message.state === "failed" || message.state === "closed") {
          this.#options.events.viewerFailed(this.name, message.viewer, message.reason);
          this.#outlets.get(message.viewer)?.disconnect();
        }
        return;
      case "stats":
        this.#options.observer.mediaStats?.(this.name, message);
        return;
      default:
        assertNever(message);
    }
  }

  /** The media thread died, and with it the way to the viewers and the worker's to the thread. */
  mediaLost(): void {
    for (const outlet of this.#outlets.values()) outlet.disconnect();
    this.#worker?.kill("The GPU worker lost its media thread.");
  }

  /** Ends everything. Resolves when the worker is gone. Idempotent. */
  async close(sentence: string): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new SessionUnavailable(sentence));
      clearTimeout(this.#resizeTimer);
      clearTimeout(this.#idleTimer);
      for (const connection of this.#connections.values()) connection.end(sentence);
      this.#setState({ state: "guest-gone", sentence });
      await this.#starting?.catch(() => {});
      this.#stopWorker(sentence);
    }
    await this.#stopping;
  }

  // --- the worker

  async #ensureWorker(): Promise<GpuWorker> {
    this.#closing.signal.throwIfAborted();
    if (this.#worker !== undefined) return this.#worker;
    this.#starting ??= this.#startWorker().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #startWorker(): Promise<GpuWorker> {
    await this.#stopping; // Of the one before: two workers of a session never live at once.
    await delay(this.#backoff.delay(performance.now()), undefined, {
      signal: this.#closing.signal,
    });
    this.#setState({ state: "starting", sentence: "The GPU worker starts." });
    this.#backoff.started(performance.now());
    try {
      const events: WorkerEvents = {
        message: (message) => this.#onWorker(message),
        ended: (reason) => this.#workerEnded(worker, reason),
        output: (line) => this.#options.events.workerOutput(this.name, line),
      };
      const worker = await this.#options.startWorker({
        profile: this.#profile,
        events,
        signal: this.#closing.signal,
      });
      const { adapter, encoder } = worker.ready;
      this.#worker = worker;
      this.#options.events.workerStarted(this.name, worker.pid, adapter, encoder);
      this.#sendAudience();
      return worker;
    } catch (error) {
      this.#backoff.failed(performance.now());
      const reason = error instanceof Error ? error.message : String(error);
      this.#setState({ state: "worker-restarting", sentence: reason });
      throw error;
    }
  }

  #workerEnded(worker: GpuWorker, reason: string): void {
    if (this.#worker !== worker) return; // It was stopped on purpose, which stopWorker() tells.
    this.#worker = undefined;
    this.#backoff.failed(performance.now());
    this.#options.events.workerEnded(this.name, worker.pid, reason, false);
    this.#surfaces.clear();
    this.#setState({
      state: "worker-restarting",
      sentence: `${reason} The picture comes back when the program connects again.`,
    });
    for (const connection of this.#connections.values()) connection.end(reason);
  }

  #stopWorker(reason: string): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    this.#stopping = this.#stopped(worker, reason);
  }

  async #stopped(worker: GpuWorker, reason: string): Promise<void> {
    await worker.stop(reason);
    this.#options.events.workerEnded(this.name, worker.pid, reason, true);
  }

  #onWorker(message: ToGateway): void {
    switch (message.type) {
      case "ready":
        return; // The worker's class takes it.
      case "animation":
        this.#connection(message.connection)?.ticks.setAnimating(message.running);
        return;
      case "frameReceived":
        return; // The pacer counts what is unfinished, which includes what is not yet received.
      case "frameFinished": {
        const connection = this.#connection(message.connection);
        if (connection?.ticks.finish(message.tick) === false) {
          connection.end(`The program ended frame ${message.tick}, which it was not granted.`);
        }
        return;
      }
      case "surface":
        if (this.#connection(message.connection) === undefined) return;
        if (!this.#surfaces.set(message.connection, message.surface, message.size)) {
          this.workerFault(`more than ${MAX_SURFACES} surfaces have a picture.`);
        }
        this.#settle();
        return;
      case "connectionEnded":
        this.#connection(message.connection)?.link?.workerEnded(message.reason);
        return;
      case "stats":
        this.#options.observer.workerStats?.(this.name, message.stages);
        return;
      default:
        assertNever(message);
    }
  }

  /** Undefined for a connection that is gone: the worker spoke before it knew. */
  #connection(id: number): Connection | undefined {
    if (id > this.#lastConnection) this.workerFault(`connection ${id} was never opened.`);
    return this.#connections.get(id);
  }

  // --- the operator

  #viewerLeft(viewer: string): void {
    if (!this.#outlets.delete(viewer)) return;
    // What the viewer held down is let go of: no key may stick in the program.
    if (this.#viewers.remove(viewer)) this.#sendInput(encodeInput({ type: "blur" }));
    this.#options.postToMedia({ type: "removeViewer", viewer });
    this.#options.events.viewerLeft(this.name, viewer);
    this.#audienceChanged();
    this.#resizeSoon();
    this.#settle();
  }

  #input(viewer: string, bytes: Uint8Array): void {
    const event = decodeInput(bytes);
    if (event.type === "resize") {
      if (this.#viewers.resized(viewer, event)) this.#resizeSoon();
      return;
    }
    const acts = event.type === "pointerdown" || event.type === "keydown" || event.type === "wheel";
    if (acts && this.#viewers.acted(viewer)) this.#resizeSoon();
    this.#sendInput(bytes);
  }

  #sendInput(bytes: Uint8Array): void {
    this.#inputTarget()?.link?.sendInput(bytes);
  }

  #inputTarget(): Connection | undefined {
    const owner = this.#surfaces.visible?.connection;
    if (owner !== undefined) return this.#connections.get(owner);
    return [...this.#connections.values()].at(-1);
  }

  #resizeSoon(): void {
    clearTimeout(this.#resizeTimer);
    this.#resizeTimer = setTimeout(() => this.#resize(), RESIZE_DEBOUNCE_MS);
  }

  #resize(): void {
    const { wish } = this.#viewers;
    if (wish === undefined) return;
    const size = boundedSize(wish, this.#profile);
    const last = this.#currentSize();
    this.#size = size; // Even where it is today's default, which differs once the worker knows its GPU.
    const { width, height, devicePixelRatio } = size;
    if (
      width === last.width &&
      height === last.height &&
      devicePixelRatio === last.devicePixelRatio
    ) {
      return;
    }
    const payload = encodeResize(size);
    for (const connection of this.#connections.values()) {
      connection.link?.send(DownFrame.resize, payload);
    }
  }

  #currentSize(): PictureSize {
    if (this.#size !== undefined) return this.#size;
    if (this.#profile.size !== undefined) return { ...this.#profile.size, devicePixelRatio: 1 };
    return this.#worker?.ready.isSoftware === true ? DEFAULT_SOFTWARE_SIZE : DEFAULT_SIZE;
  }

  // --- pace and state

  #frameRate(): number {
    return this.#viewers.count > 0 ? this.#profile.frameRate : this.#options.unwatchedFrameRate;
  }

  #interval(): number {
    return this.#options.frameRate === "unlimited" ? 0 : 1000 / this.#frameRate();
  }

  #audienceChanged(): void {
    for (const connection of this.#connections.values()) {
      connection.ticks.setInterval(this.#interval());
    }
    this.#sendAudience();
  }

  #sendAudience(): void {
    this.#worker?.send({
      type: "audience",
      viewers: this.#viewers.count,
      frameRate: this.#frameRate(),
    });
  }

  /** Brings state and timers in line with what is connected. */
  #settle(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#connections.size === 0 && this.#admitting === 0) this.#settleWithoutGuest();
    else if (this.#worker !== undefined && this.#connections.size > 0) this.#settleWithGuest();
  }

  #settleWithGuest(): void {
    const { adapter, encoder } = this.#worker!.ready;
    const surface = this.#surfaces.visible;
    if (surface === undefined) {
      const sentence = "The program is connected and has not drawn yet.";
      this.#setState({ state: "starting", sentence, adapter, encoder });
      return;
    }
    const { width, height } = surface.size;
    const sentence = "The program's picture is live.";
    this.#setState({ state: "live", sentence, width, height, adapter, encoder });
  }

  #settleWithoutGuest(): void {
    const idle = this.#worker === undefined && this.#starting === undefined;
    if (!idle) {
      if (this.#state.state === "live" || this.#state.state === "starting") {
        const sentence = "The program ended or lost its connection; the last frame stays.";
        this.#setState({ state: "guest-gone", sentence });
      }
      clearTimeout(this.#idleTimer);
      this.#idleTimer = setTimeout(() => {
        this.#stopWorker("The GPU worker was idle.");
        this.#settle();
      }, this.#options.workerIdleMs);
    } else if (this.#viewers.count === 0) {
      // A guest that kills its workers must not find its failures forgotten with its session.
      const remembered = this.#backoff.remembered(performance.now());
      clearTimeout(this.#idleTimer);
      if (remembered > 0) this.#idleTimer = setTimeout(() => this.#settle(), remembered);
      else this.#options.onEmpty();
    }
  }

  #setState(state: SessionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    for (const outlet of this.#outlets.values()) outlet.state(state);
  }
}
