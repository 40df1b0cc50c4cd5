import { boundsOf } from "#server/config/bounds.ts";
import { MAX_FRAME_RATE, type Profile } from "#server/config/config.ts";
import type { ToMedia } from "#server/media/messages.ts";
import type { Events, Observer } from "#server/observe/events.ts";
import type { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { ViewerInlet, ViewerOutlet, ViewerRole } from "#server/signaling/signaling.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import { MAX_SENTENCE_CHARACTERS, type SessionReport } from "#shared/admin/session-report.ts";
import { assertNever } from "#shared/base/assert.ts";
import type { SessionState } from "#shared/signaling/messages.ts";
import { DownFrame } from "#shared/wire/frames.ts";
import { Audience } from "./audience.ts";
import { Connection } from "./connection.ts";
import { EffectiveProfile } from "./effective-profile.ts";
import type { GpuUser } from "./exclusive-use.ts";
import type { GpuWorker } from "./gpu-worker.ts";
import type { MediaMessage } from "./media-pool.ts";
import { MAX_CONNECTIONS } from "./limits.ts";
import { encodeResize } from "./picture-size.ts";
import { Offences, TOO_MANY_OFFENCES } from "./offences.ts";
import { type Quarantine, quarantineSentence } from "./quarantine.ts";
import { FigureKeeper } from "./session-report.ts";
import { SessionUnavailable } from "./session-unavailable.ts";
import { SizeKeeper } from "./size-keeper.ts";
import { stateWithGuest } from "./state-with-guest.ts";
import { MAX_SURFACES, Surfaces } from "./surfaces.ts";
import { type WorkerRequest, WorkerSlot } from "./worker-slot.ts";

const MEBIBYTE = 1024 * 1024;

export type SessionOptions = {
  readonly name: string;
  readonly frameRate: "paced" | "unlimited";
  readonly workerIdleMs: number;
  readonly events: Events;
  readonly observer: Observer;
  /** Starts this session's GPU worker; throws an Error whose message is a sentence. */
  readonly startWorker: (request: WorkerRequest) => Promise<GpuWorker>;
  readonly postToMedia: (message: ToMedia) => void;
  readonly quarantine: Quarantine;
  readonly gpu: GpuScheduler;
  /** Why no program of the session may come in beside those of others, as a sentence. */
  readonly exclusion: (user: GpuUser) => string | undefined;
  /** The session holds nothing any more: no program, viewer or worker. */
  readonly onEmpty: () => void;
};

/** One VM: its programs, its GPU worker and who watches. */
export class Session {
  readonly name: string;
  readonly #options: SessionOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #audience: Audience;
  readonly #slot: WorkerSlot;
  readonly #size: SizeKeeper;
  readonly #surfaces = new Surfaces();
  readonly #offences = new Offences();
  readonly #closing = new AbortController();
  readonly #since = new Date();
  /** Whoever measures something of this session tells it. */
  readonly figures = new FigureKeeper();
  /** An admin made it: it stays while it is empty. */
  kept = false;
  readonly #allowed: EffectiveProfile;
  #paused = false;
  /** Their end is no error of anybody's. */
  readonly #evicted = new WeakSet<Connection>();
  #state: SessionState = {
    state: "waiting-for-guest",
    sentence: "No program has connected yet.",
  };
  #admitting = 0;
  #lastConnection = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(profile: Profile, options: SessionOptions) {
    this.name = options.name;
    this.#allowed = new EffectiveProfile(profile, options.frameRate === "paced");
    this.#options = options;
    this.#audience = this.#makeAudience();
    this.#slot = this.#makeWorkerSlot();
    this.#size = new SizeKeeper({
      wish: () => this.#audience.wish,
      profile: () => this.#profile,
      isSoftware: () => this.#slot.worker?.ready.isSoftware === true,
      changed: (size) => this.#sendAll(DownFrame.resize, encodeResize(size)),
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the newest token's profile allows counts for the whole session. */
  set profile(profile: Profile) {
    this.#changeProfile(() => this.#allowed.grant(profile));
  }

  /** Of the configuration, which was read again. */
  profilesChanged(profiles: ReadonlyMap<string, Profile>): void {
    this.#changeProfile(() => this.#allowed.renew(profiles));
  }

  /** What an admin chose wins over the token's profile, until it is undefined again. */
  assignProfile(profile: Profile | undefined): void {
    this.#changeProfile(() => this.#allowed.assign(profile));
  }

  /** What an admin chose wins over the profile's part of the GPU, until it is undefined again. */
  assignShare(share: GpuShare | undefined): void {
    this.#allowed.assignShare(share);
    this.#slot.share = this.#gpuShare;
  }

  /** Its part of the GPU. */
  get share(): GpuShare {
    return this.#allowed.share;
  }

  /** Of its video, in bits a second; undefined: what the media threads allow. */
  get maxBitrate(): number | undefined {
    return this.#profile.maxBitrate;
  }

  get isExclusive(): boolean {
    return this.#profile.exclusive;
  }

  /** It has programs, or one is being let in. */
  get isInside(): boolean {
    return this.#connections.size + this.#admitting > 0;
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
    const sentence = quarantineSentence(this.name, reason);
    // An admin may let it back before its worker is gone.
    await this.#evict(
      { state: "quarantined", sentence },
      () => quarantine.reason(this.name) === reason,
    );
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
      profileAssigned: this.#allowed.isAssigned,
      share: this.share,
      shareAssigned: this.#allowed.isShareAssigned,
      exclusive: this.isExclusive,
      kept: this.kept,
      paused: this.#paused,
      ...(quarantine === undefined ? {} : { quarantine }),
      ...(adapter === undefined ? {} : { adapter }),
      ...(encoder === undefined ? {} : { encoder }),
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      programs: this.#connections.size,
      viewers: this.#audience.count,
      ...this.figures.report(),
    };
  }

  /**
   * Makes room for a program: starts the worker where there is none, and opens a way to it. The caller
   * attaches a link and calls release() in the end. Throws SessionUnavailable.
   */
  async admit(): Promise<Connection> {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      this.#settle(); // It may have been made for this program alone.
      throw new SessionUnavailable(refusal);
    }
    this.#admitting++;
    clearTimeout(this.#idleTimer);
    try {
      const worker = await this.#slot.ensure();
      const id = ++this.#lastConnection;
      const data = await worker.open(id);
      if (this.#slot.worker !== worker) {
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

  /** Why no program more is let in, as a sentence. */
  #refusal(): string | undefined {
    const quarantine = this.#options.quarantine.reason(this.name);
    if (quarantine !== undefined) return quarantineSentence(this.name, quarantine);
    if (this.#connections.size + this.#admitting >= MAX_CONNECTIONS) {
      return `Session ${this.name} has ${MAX_CONNECTIONS} programs already, which is the limit.`;
    }
    return this.#options.exclusion(this);
  }

  /** The program may be sent to: it gets the size to draw at. */
  welcomed(connection: Connection): void {
    connection.link?.send(DownFrame.resize, encodeResize(this.#size.tell()));
  }

  /**
   * The program's connection is gone; the reason is a sentence. After an orderly end the worker still
   * runs what has arrived (a program may draw its last frame and exit); else it stops at once. Idempotent.
   */
  release(connection: Connection, reason: string, orderly: boolean): void {
    connection.ticks.close();
    if (!this.#connections.delete(connection.id)) return;
    if (!orderly) this.#slot.send({ type: "close", connection: connection.id });
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
    this.#slot.kill(`The GPU worker broke its protocol: ${reason}`);
  }

  /** `token` is the id of the viewer's. Throws SessionUnavailable. */
  addViewer(viewer: string, role: ViewerRole, outlet: ViewerOutlet, token: string): ViewerInlet {
    if (this.#closing.signal.aborted) {
      outlet.disconnect(); // Not refused: the viewer comes back to the gateway's successor.
      return { description: () => {}, candidate: () => {}, left: () => {} };
    }
    return this.#audience.add(viewer, role, outlet, token, this.#state);
  }

  /** What the media thread says about this session or one of its viewers. */
  onMedia(message: MediaMessage): void {
    switch (message.type) {
      case "description":
      case "candidate":
      case "input":
      case "viewerState":
        this.#audience.onMedia(message);
        return;
      case "workerFault":
        this.workerFault(message.reason);
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
    this.#audience.disconnect();
    this.#slot.kill("The GPU worker lost its media thread.");
  }

  /** As close(), and viewers do not come back. */
  async remove(sentence: string): Promise<void> {
    const closed = this.close(sentence);
    this.#audience.refuse(sentence);
    await closed;
    this.#options.onEmpty();
  }

  /** Ends everything. Resolves when the worker is gone. Idempotent. */
  async close(sentence: string): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new SessionUnavailable(sentence));
      this.#size.close();
      clearTimeout(this.#idleTimer);
      for (const connection of this.#connections.values()) connection.end(sentence);
      this.#setState({ state: "guest-gone", sentence });
      await this.#slot.startSettled();
      this.#slot.stop(sentence);
    }
    await this.#slot.stopSettled();
  }

  // --- the worker

  #makeWorkerSlot(): WorkerSlot {
    const { name, figures } = this;
    const { gpu, startWorker, events } = this.#options;
    return new WorkerSlot({
      gpu,
      startWorker,
      profile: () => this.#profile,
      share: () => this.#gpuShare,
      closing: this.#closing.signal,
      events: {
        starting: () => this.#setState({ state: "starting", sentence: "The GPU worker starts." }),
        started: (worker) => this.#workerStarted(worker),
        failed: (reason) => {
          figures.error("worker", reason);
          this.#setState({ state: "worker-restarting", sentence: reason });
        },
        message: (message) => this.#onWorker(message),
        output: (line) => events.workerOutput(name, line),
        ended: (worker, reason) => this.#workerEnded(worker, reason),
        stopping: () => figures.workerEnded(),
        stopped: ({ pid }, reason) => events.workerEnded(name, pid, reason, true),
        charged: (milliseconds) => figures.gpuTime(milliseconds),
        overdue: (worker, milliseconds, how) => this.#overdue(worker, milliseconds, how),
      },
    });
  }

  #workerStarted({ pid, ready: { adapter, encoder } }: GpuWorker): void {
    this.figures.workerStarted();
    this.#options.events.workerStarted(this.name, pid, adapter, encoder);
    this.#sendBounds();
    this.#sendAudience();
  }

  #workerEnded(worker: GpuWorker, reason: string): void {
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

  async #evict(state: SessionState, isStill: () => boolean = () => true): Promise<void> {
    this.#slot.abandonStart(new SessionUnavailable(state.sentence));
    this.#setState(state); // Before the programs end, each of which would give a reason of its own.
    for (const connection of this.#connections.values()) {
      this.#evicted.add(connection);
      connection.end(state.sentence);
    }
    await this.#slot.startSettled();
    this.#slot.stop(state.sentence);
    this.#surfaces.clear();
    if (isStill()) this.#setState(state);
    await this.#slot.stopSettled();
    this.#settle();
  }

  /** A submit holds the GPU too long, or a command the worker: it is killed, never waited for. */
  #overdue(worker: GpuWorker, milliseconds: number, how: string): void {
    this.#options.events.gpuOverdue(this.name, milliseconds, how);
    worker.kill(how);
    if (!this.#offences.add(performance.now())) return;
    this.figures.error("worker", how); // Its end is not heard of: quarantine takes it out first.
    void this.quarantine(TOO_MANY_OFFENCES);
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
          this.#slot.frameFinished();
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
      case "pictureRefused":
        this.#pictureRefused(message.connection, message.size);
        return;
      case "gpuWanted":
      case "gpuBusy":
      case "gpuProgress":
      case "gpuIdle":
      case "gpuReturned":
      case "gpuHere":
        this.#slot.told(message);
        return;
      case "connectionEnded":
        this.#connection(message.connection)?.link?.workerEnded(message.reason);
        return;
      case "memory": {
        const { type: _, ...memory } = message;
        this.figures.gpuMemory(memory.gpuBytes);
        this.figures.objects(memory.objects);
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

  /** An honest program draws in time at the size that it is told. */
  #pictureRefused(id: number, { width, height }: Profile["maxSize"]): void {
    if (this.#connection(id) === undefined) return;
    const { name, maxSize } = this.#profile;
    const sentence =
      `Program ${id} draws a picture of ${width}x${height} pixels, which is not shown: profile ${name} allows ` +
      `${maxSize.width}x${maxSize.height} (maxSize).`;
    this.figures.error("program", sentence);
    this.#surfaces.refused = sentence;
    this.#settle();
  }

  /** Undefined for a connection that is gone: the worker spoke before it knew. */
  #connection(id: number): Connection | undefined {
    if (id > this.#lastConnection) this.workerFault(`connection ${id} was never opened.`);
    return this.#connections.get(id);
  }

  // --- the operator

  #makeAudience(): Audience {
    const { name } = this;
    const { postToMedia, events } = this.#options;
    return new Audience(name, postToMedia, {
      joined: (viewer, control) => {
        events.viewerJoined(name, viewer, control);
        this.#audienceChanged();
      },
      left: (viewer) => {
        events.viewerLeft(name, viewer);
        this.#audienceChanged();
        this.#size.wished();
        this.#settle();
      },
      failed: (viewer, reason) => {
        events.viewerFailed(name, viewer, reason);
        this.figures.error("viewer", reason ?? "A viewer's video connection ended.");
      },
      input: (event) => this.#sendInput(event),
      wished: () => this.#size.wished(),
    });
  }

  #sendInput(bytes: Uint8Array): void {
    this.#inputTarget()?.link?.sendInput(bytes);
  }

  #inputTarget(): Connection | undefined {
    const owner = this.#surfaces.visible?.connection;
    if (owner !== undefined) return this.#connections.get(owner);
    return [...this.#connections.values()].at(-1);
  }

  #sendAll(kind: number, payload: Uint8Array): void {
    for (const connection of this.#connections.values()) connection.link?.send(kind, payload);
  }

  // --- pace and state

  get #profile(): Profile {
    return this.#allowed.profile;
  }

  #changeProfile(change: () => void): void {
    const before = this.#profile;
    change();
    this.#slot.share = this.#gpuShare;
    const { frameRate, unwatchedFrameRate, maxBitrate } = this.#profile;
    this.#sendBounds();
    this.#size.settle(); // A viewer that came first was given a size by another profile.
    if (frameRate !== before.frameRate || unwatchedFrameRate !== before.unwatchedFrameRate) {
      this.#audienceChanged();
    }
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

  #interval(): number {
    return this.#allowed.interval(this.#audience.count);
  }

  /** What counts at the GPU. */
  get #gpuShare(): GpuShare {
    return this.#allowed.shareWith(this.#audience.count);
  }

  #audienceChanged(): void {
    this.#slot.share = this.#gpuShare;
    for (const connection of this.#connections.values()) {
      connection.ticks.setInterval(this.#interval());
    }
    this.#sendAudience();
  }

  #sendAudience(): void {
    this.#slot.send({
      type: "audience",
      viewers: this.#audience.count,
      frameRate: Math.min(MAX_FRAME_RATE, 1000 / this.#interval()),
    });
  }

  #sendBounds(): void {
    const { maxSize } = this.#profile;
    this.#slot.send({ type: "bounds", bounds: boundsOf(this.#profile), maxSize });
    this.#slot.worker?.limitHostMemory(this.#profile.hostMemoryMb * MEBIBYTE);
  }

  /** Brings state and timers in line with what is connected. */
  #settle(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#connections.size === 0 && this.#admitting === 0) this.#settleWithoutGuest();
    else if (this.#slot.worker !== undefined && this.#connections.size > 0) {
      this.#settleWithGuest(this.#slot.worker);
    }
  }

  #settleWithGuest({ ready: { adapter, encoder } }: GpuWorker): void {
    const surface = this.#surfaces.visible;
    const shown = surface && this.#connections.get(surface.connection);
    const connections = shown === undefined ? [...this.#connections.values()] : [shown];
    this.#setState({
      ...stateWithGuest({
        size: surface?.size,
        refused: this.#surfaces.refused,
        isAway: connections.every(({ awaySince }) => awaySince !== undefined),
        isPaused: this.#paused,
      }),
      adapter,
      encoder,
    });
  }

  #settleWithoutGuest(): void {
    if (!this.#slot.isEmpty) {
      if (["live", "starting", "guest-away", "paused"].includes(this.#state.state)) {
        const sentence = "The program ended or lost its connection; the last frame stays.";
        this.#setState({ state: "guest-gone", sentence });
      }
      clearTimeout(this.#idleTimer);
      this.#idleTimer = setTimeout(() => {
        this.#slot.stop("The GPU worker was idle.");
        this.#settle();
      }, this.#options.workerIdleMs);
    } else if (this.#audience.count === 0 && !this.#stays) {
      // A guest that kills its workers must not find its failures forgotten with its session.
      const now = performance.now();
      const remembered = Math.max(this.#slot.remembered(now), this.#offences.remembered(now));
      clearTimeout(this.#idleTimer);
      if (remembered > 0) this.#idleTimer = setTimeout(() => this.#settle(), remembered);
      else this.#options.onEmpty();
    }
  }

  /** An admin is to see it while it is empty. */
  get #stays(): boolean {
    return this.kept || this.#paused || this.#options.quarantine.reason(this.name) !== undefined;
  }

  #setState(state: SessionState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.#audience.tell(state);
  }
}
