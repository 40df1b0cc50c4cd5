import { setTimeout as delay } from "node:timers/promises";
import { boundsOf } from "#server/config/bounds.ts";
import type { Profile } from "#server/config/config.ts";
import type { ToMedia } from "#server/media/messages.ts";
import type { Events, Observer } from "#server/observe/events.ts";
import type { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import type { GpuShare } from "#server/scheduler/gpu-share.ts";
import type { ViewerInlet, ViewerOutlet, ViewerRole } from "#server/signaling/signaling.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import { MAX_SENTENCE_CHARACTERS, type SessionReport } from "#shared/admin/session-report.ts";
import { assertNever } from "#shared/base/assert.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import type { SessionState } from "#shared/signaling/messages.ts";
import { DownFrame } from "#shared/wire/frames.ts";
import { Connection } from "./connection.ts";
import { GpuSeat } from "./gpu-seat.ts";
import type { GpuWorker, WorkerEvents } from "./gpu-worker.ts";
import type { MediaMessage } from "./media-pool.ts";
import { MAX_CONNECTIONS, MAX_VIEWERS } from "./limits.ts";
import { boundedSize, encodeResize, type PictureSize } from "./picture-size.ts";
import { Offences, overdueSentence, TOO_MANY_OFFENCES } from "./offences.ts";
import type { Quarantine } from "./quarantine.ts";
import { RestartBackoff } from "./restart-backoff.ts";
import { FigureKeeper } from "./session-report.ts";
import { stateWithGuest } from "./state-with-guest.ts";
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
  readonly quarantine: Quarantine;
  readonly gpu: GpuScheduler;
  /** The session holds nothing any more: no program, viewer or worker. */
  readonly onEmpty: () => void;
};

/** What a guest is told at the door, and viewers over the last frame. */
export function quarantineSentence(session: string, reason: string): string {
  return `Session ${session} is quarantined until its admin lets it back: ${reason}`;
}

/** One VM: its programs, its GPU worker and who watches. */
export class Session {
  readonly name: string;
  readonly #options: SessionOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #outlets = new Map<string, ViewerOutlet>();
  readonly #viewers = new Viewers();
  readonly #surfaces = new Surfaces();
  readonly #backoff = new RestartBackoff();
  readonly #offences = new Offences();
  readonly #closing = new AbortController();
  readonly #since = new Date();
  /** Whoever measures something of this session tells it. */
  readonly figures = new FigureKeeper();
  /** An admin made it: it stays while it is empty. */
  kept = false;
  #granted: Profile;
  #assigned: Profile | undefined;
  #paused = false;
  #evicting = new AbortController();
  /** Their end is no error of anybody's. */
  readonly #evicted = new WeakSet<Connection>();
  #size: PictureSize | undefined;
  #state: SessionState = {
    state: "waiting-for-guest",
    sentence: "No program has connected yet.",
  };
  #worker: GpuWorker | undefined;
  #seat: GpuSeat | undefined;
  #assignedShare: GpuShare | undefined;
  #starting: Promise<GpuWorker> | undefined;
  #admitting = 0;
  #lastConnection = 0;
  #resizeTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #stopping: Promise<void> = Promise.resolve();

  constructor(profile: Profile, options: SessionOptions) {
    this.name = options.name;
    this.#granted = profile;
    this.#options = options;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the newest token's profile allows counts for the whole session. */
  set profile(profile: Profile) {
    const before = this.#profile;
    this.#granted = profile;
    this.#profileChanged(before);
  }

  /** What an admin chose wins over the token's profile, until it is undefined again. */
  assignProfile(profile: Profile | undefined): void {
    const before = this.#profile;
    this.#assigned = profile;
    this.#profileChanged(before);
  }

  /** What an admin chose wins over the profile's part of the GPU, until it is undefined again. */
  assignShare(share: GpuShare | undefined): void {
    this.#assignedShare = share;
    if (this.#seat !== undefined) this.#seat.share = this.share;
  }

  /** Its part of the GPU. */
  get share(): GpuShare {
    return this.#assignedShare ?? this.#profile.share;
  }

  /** Its ticks stop, so that what draws by them stands still; programs stay connected. */
  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#setPaused(false);
  }

  /** Programs and their worker are ended, with the sentence; they may come back. Resolves when the worker is gone. */
  async evict(sentence: string): Promise<void> {
    await this.#evict({ state: "guest-gone", sentence });
  }

  /** As evict(), and no guest is let in until readmit(): also after this session's and the gateway's end. */
  async quarantine(reason: string): Promise<void> {
    const { quarantine, events } = this.#options;
    quarantine.set(this.name, reason);
    events.sessionQuarantined(this.name, reason);
    await this.#evict({ state: "quarantined", sentence: quarantineSentence(this.name, reason) });
  }

  readmit(): void {
    if (this.#options.quarantine.reason(this.name) === undefined) return;
    this.#options.quarantine.clear(this.name);
    this.#options.events.sessionReadmitted(this.name);
    const sentence = "The session is let back; no program has connected yet.";
    this.#setState({ state: "waiting-for-guest", sentence });
    this.#settle();
  }

  /** What is known of the session now. */
  report(): SessionReport {
    const { state, sentence, adapter, encoder, width, height } = this.#state;
    const quarantine = this.#options.quarantine.reason(this.name);
    return {
      name: this.name,
      state,
      sentence: sentence.slice(0, MAX_SENTENCE_CHARACTERS),
      since: this.#since.toISOString(),
      profile: this.#profile.name,
      profileAssigned: this.#assigned !== undefined,
      kept: this.kept,
      paused: this.#paused,
      ...(quarantine === undefined ? {} : { quarantine }),
      ...(adapter === undefined ? {} : { adapter }),
      ...(encoder === undefined ? {} : { encoder }),
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      programs: this.#connections.size,
      viewers: this.#viewers.count,
      ...this.figures.report(),
    };
  }

  /**
   * Makes room for a program: starts the worker where there is none, and opens a way to it. The caller
   * attaches a link and calls release() in the end. Throws SessionUnavailable.
   */
  async admit(): Promise<Connection> {
    const quarantine = this.#options.quarantine.reason(this.name);
    if (quarantine !== undefined) {
      throw new SessionUnavailable(quarantineSentence(this.name, quarantine));
    }
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
      connection.ticks.setPaused(this.#paused);
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
    if (!orderly && !this.#evicted.has(connection)) {
      this.figures.error("program", `Program ${connection.id} was lost: ${reason}`);
    }
    this.#options.events.guestEnded(this.name, connection.id, reason);
    this.#settle();
  }

  /** The link to the program broke and is waited for: what the program was granted is all that it gets. */
  programAway(connection: Connection, reason: string): void {
    connection.awaySince = performance.now();
    this.#options.events.guestAway(this.name, connection.id, reason);
    this.#settle();
  }

  programBack(connection: Connection): void {
    const since = connection.awaySince;
    if (since === undefined) return; // The relay was quicker to see the break than the gateway.
    connection.awaySince = undefined;
    this.#options.events.guestBack(this.name, connection.id, performance.now() - since);
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
          this.figures.error("viewer", message.reason ?? "A viewer's video connection ended.");
          this.#outlets.get(message.viewer)?.disconnect();
        }
        return;
      case "stats":
        this.figures.mediaStats(message);
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

  /** As close(), and viewers do not come back. */
  async remove(sentence: string): Promise<void> {
    const closed = this.close(sentence);
    for (const outlet of this.#outlets.values()) outlet.refuse(sentence);
    await closed;
    this.#options.onEmpty();
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
    const signal = AbortSignal.any([this.#closing.signal, this.#evicting.signal]);
    await delay(this.#backoff.delay(performance.now()), undefined, { signal });
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
        signal,
      });
      const { adapter, encoder } = worker.ready;
      this.#worker = worker;
      this.#seat = new GpuSeat(this.#options.gpu, worker, this.share, {
        charged: (milliseconds) => this.figures.gpuTime(milliseconds),
        overdue: (milliseconds) => this.#overdue(worker, milliseconds),
      });
      this.figures.workerStarted();
      this.#options.events.workerStarted(this.name, worker.pid, adapter, encoder);
      this.#sendBounds();
      this.#sendAudience();
      return worker;
    } catch (error) {
      this.#backoff.failed(performance.now());
      const reason = error instanceof Error ? error.message : String(error);
      this.figures.error("worker", reason);
      this.#setState({ state: "worker-restarting", sentence: reason });
      throw error;
    }
  }

  #workerEnded(worker: GpuWorker, reason: string): void {
    if (this.#worker !== worker) return; // It was stopped on purpose, which stopWorker() tells.
    this.#worker = undefined;
    this.#leaveSeat();
    this.#backoff.failed(performance.now());
    this.figures.workerEnded();
    this.figures.error("worker", reason);
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
    this.#leaveSeat();
    this.figures.workerEnded();
    this.#stopping = this.#stopped(worker, reason);
  }

  async #evict(state: SessionState): Promise<void> {
    this.#evicting.abort(new SessionUnavailable(state.sentence));
    this.#evicting = new AbortController();
    this.#setState(state); // Before the programs end, each of which would give a reason of its own.
    for (const connection of this.#connections.values()) {
      this.#evicted.add(connection);
      connection.end(state.sentence);
    }
    await this.#starting?.catch(() => {});
    this.#stopWorker(state.sentence);
    this.#surfaces.clear();
    this.#setState(state);
    await this.#stopping;
    this.#settle();
  }

  async #stopped(worker: GpuWorker, reason: string): Promise<void> {
    await worker.stop(reason);
    this.#options.events.workerEnded(this.name, worker.pid, reason, true);
  }

  #leaveSeat(): void {
    this.#seat?.[Symbol.dispose]();
    this.#seat = undefined;
  }

  /** A submit holds the GPU too long: the worker is killed, never waited for. */
  #overdue(worker: GpuWorker, milliseconds: number): void {
    this.#options.events.submitOverdue(this.name, milliseconds);
    worker.kill(overdueSentence(milliseconds));
    if (this.#offences.add(performance.now())) void this.quarantine(TOO_MANY_OFFENCES);
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
        } else if (connection !== undefined) {
          this.figures.frameFinished();
          this.#seat?.frameFinished();
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
      case "gpuWanted":
      case "gpuBusy":
      case "gpuProgress":
      case "gpuIdle":
      case "gpuReturned":
        this.#seat?.told(message);
        return;
      case "connectionEnded":
        this.#connection(message.connection)?.link?.workerEnded(message.reason);
        return;
      case "memory": {
        const { type: _, ...memory } = message;
        this.figures.gpuMemory(memory.gpuBytes);
        this.#options.observer.workerMemory?.(this.name, memory);
        return;
      }
      case "stats":
        this.figures.workerStats(message.stages);
        this.#options.observer.workerStats?.(this.name, message.stages);
        if (message.legs !== undefined) {
          this.#options.observer.workerLegs?.(this.name, message.legs);
        }
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

  get #profile(): Profile {
    return this.#assigned ?? this.#granted;
  }

  #profileChanged(before: Profile): void {
    if (this.#seat !== undefined) this.#seat.share = this.share;
    const { frameRate, maxBitrate } = this.#profile;
    this.#sendBounds();
    this.#resize(); // A viewer that came first was given a size by another profile.
    if (frameRate !== before.frameRate) this.#audienceChanged();
    if (maxBitrate !== before.maxBitrate) {
      this.#options.postToMedia({
        type: "limitBitrate",
        session: this.name,
        ...(maxBitrate === undefined ? {} : { maxBitrate }),
      });
    }
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    for (const connection of this.#connections.values()) connection.ticks.setPaused(paused);
    this.#settle();
  }

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

  #sendBounds(): void {
    this.#worker?.send({ type: "bounds", bounds: boundsOf(this.#profile) });
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
    const shown = surface && this.#connections.get(surface.connection);
    const connections = shown === undefined ? [...this.#connections.values()] : [shown];
    this.#setState({
      ...stateWithGuest({
        size: surface?.size,
        isAway: connections.every(({ awaySince }) => awaySince !== undefined),
        isPaused: this.#paused,
      }),
      adapter,
      encoder,
    });
  }

  #settleWithoutGuest(): void {
    const idle = this.#worker === undefined && this.#starting === undefined;
    if (!idle) {
      if (["live", "starting", "guest-away", "paused"].includes(this.#state.state)) {
        const sentence = "The program ended or lost its connection; the last frame stays.";
        this.#setState({ state: "guest-gone", sentence });
      }
      clearTimeout(this.#idleTimer);
      this.#idleTimer = setTimeout(() => {
        this.#stopWorker("The GPU worker was idle.");
        this.#settle();
      }, this.#options.workerIdleMs);
    } else if (this.#viewers.count === 0 && !this.#stays) {
      // A guest that kills its workers must not find its failures forgotten with its session.
      const now = performance.now();
      const remembered = Math.max(this.#backoff.remembered(now), this.#offences.remembered(now));
      clearTimeout(this.#idleTimer);
      if (remembered > 0) this.#idleTimer = setTimeout(() => this.#settle(), remembered);
      else this.#options.onEmpty();
    }
  }

  /** An admin is to see it while it is empty. */
  get #stays(): boolean {
    return this.kept || this.#options.quarantine.reason(this.name) !== undefined;
  }

  #setState(state: SessionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    for (const outlet of this.#outlets.values()) outlet.state(state);
  }
}
