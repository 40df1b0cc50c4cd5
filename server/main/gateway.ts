import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AdminServices } from "#server/admin/admin-services.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { configChanges } from "#server/config/changes.ts";
import type { Config } from "#server/config/config.ts";
import { driverEnvironment } from "#server/config/env.ts";
import { iceOptions } from "#server/config/ice.ts";
import { Profiles } from "#server/config/profiles.ts";
import { secretsOf } from "#server/config/secrets.ts";
import { type Confinement, findConfinement } from "#server/confine/confinement.ts";
import { ControlGroups } from "#server/confine/control-groups.ts";
import { findMemoryCap } from "#server/confine/memory-cap.ts";
import { createApp, type Readiness } from "#server/http/app.ts";
import { HOST_SOCKET, HostSocket } from "#server/http/host-socket.ts";
import { Listener } from "#server/http/listener.ts";
import { ClientAddresses } from "#server/ingress/client-addresses.ts";
import { Doorkeeper } from "#server/ingress/doorkeeper.ts";
import { GuestDoor } from "#server/ingress/guest-door.ts";
import { DEFAULT_BITRATES } from "#server/media/messages.ts";
import { both, Events, type Observer } from "#server/observe/events.ts";
import type { Logger } from "#server/observe/logger.ts";
import { confinementWithGpu } from "#server/session/gpu-confinement.ts";
import { Metrics } from "#server/observe/metrics.ts";
import { Recorder } from "#server/recording/recorder.ts";
import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import { usualSubmitDeadline } from "#server/scheduler/submit-deadline.ts";
import { type GpuProbe, probeGpu } from "#server/session/gpu-probe.ts";
import { GpuWorker, WorkerError } from "#server/session/gpu-worker.ts";
import { compileWorkerCode } from "#server/session/worker-code.ts";
import { MediaPool } from "#server/session/media-pool.ts";
import { Quarantine, quarantineSentence } from "#server/session/quarantine.ts";
import type { SessionOptions } from "#server/session/session.ts";
import { Sessions } from "#server/session/sessions.ts";
import type { WorkerRequest } from "#server/session/worker-slot.ts";
import { SignalingDoor } from "#server/signaling/signaling-door.ts";
import { GUEST_PATH } from "#shared/link/guest-link.ts";
import { SIGNALING_PATH } from "#shared/signaling/messages.ts";

export type GatewayOptions = {
  readonly logger: Logger;
  readonly observer?: Observer;
  /** The program that each session runs as its GPU worker; server/worker/main unless told otherwise. */
  readonly workerMain?: string;
};

type SessionSurroundings = {
  readonly folder: string;
  readonly media: MediaPool;
  readonly metrics: Metrics;
  readonly quarantine: Quarantine;
  readonly recorder: Recorder;
  readonly gpu: GpuScheduler;
  readonly onEmpty: () => void;
};

const STOPPING = "The gateway is stopping.";
const MEBIBYTE = 1024 * 1024;

/** The composition root: everything that one host's gateway is made of, and the order of its end. */
export class Gateway implements AsyncDisposable {
  /** As the gateway started with it, but for the profiles. */
  readonly #config: Config;
  readonly #profiles: Profiles;
  readonly #options: GatewayOptions;
  readonly #events: Events;
  readonly #parts = new AsyncDisposableStack();
  readonly #closing = new AbortController();
  #confinement: Promise<Confinement>;
  readonly #gpu: Promise<GpuProbe>;
  readonly #controlGroups = ControlGroups.find();
  #readiness: Readiness = { ready: false, sentence: "The gateway is looking for a GPU." };
  #compileCache: string | undefined;
  #workers = 0;
  #isSoftware = false;
  #closed: Promise<void> | undefined;
  #url = "";
  #tokens: Tokens | undefined;
  #sessions: Sessions | undefined;

  private constructor(config: Config, options: GatewayOptions) {
    this.#config = config;
    this.#profiles = new Profiles(config.profiles);
    this.#options = options;
    this.#events = new Events(options.logger);
    this.#confinement = findConfinement(config.confinement, driverEnvironment()["PATH"] ?? "");
    this.#gpu = this.#probe();
  }

  /** Throws ConfigError, SigningKeyError and TokenJournalError; then nothing of the gateway is left. */
  static async start(config: Config, options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(config, options);
    try {
      await gateway.#start();
      return gateway;
    } catch (error) {
      gateway.#closing.abort(error);
      await gateway.#parts.disposeAsync();
      await gateway.#gpu;
      throw error;
    }
  }

  /** Where the gateway is reached, e.g. "http://127.0.0.1:7340"; without a slash at the end. */
  get url(): string {
    return this.#url;
  }

  /** Signs the tokens that this gateway takes. */
  get tokens(): Tokens {
    if (this.#tokens === undefined) throw new Error("The gateway has not started.");
    return this.#tokens;
  }

  /** Resolves when the search for a GPU is over. */
  async ready(): Promise<Readiness> {
    await this.#gpu;
    return this.#readiness;
  }

  /** The configuration's file was read again: its profiles count at once, all else from the next start. */
  reconfigure(config: Config): void {
    const changes = configChanges(this.#config, this.#profiles.all, config);
    this.#profiles.replace(config.profiles);
    this.#sessions?.profilesChanged();
    this.#events.configChanged(changes);
  }

  /** Tells guests and viewers, ends the workers and leaves nothing behind. Idempotent. */
  async close(reason = "It was asked to."): Promise<void> {
    this.#closed ??= this.#close(reason);
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(reason: string): Promise<void> {
    this.#events.gatewayStopping(reason);
    this.#closing.abort(new Error(STOPPING));
    await this.#parts.disposeAsync();
    await this.#gpu;
    this.#events.gatewayStopped();
  }

  // Parts are closed in the reverse of this order: the door, then the sessions with their workers,
  // signaling, which carries the sessions' last words to viewers, media, the port, the sockets' folder.
  async #start(): Promise<void> {
    const config = this.#config;
    const events = this.#events;
    const parts = this.#parts;
    const tokens = await Tokens.open(config.stateFolder);
    this.#tokens = tokens;
    parts.use(
      tokens.watch((error) => events.fault("What changed of keys or tokens can't be read.", error)),
    );
    const quarantine = Quarantine.open(config.stateFolder, (error) =>
      events.fault("The list of quarantined sessions can't be written.", error),
    );
    const folder = await mkdtemp(path.join(config.runtimeFolder, "heliograph-"));
    parts.defer(() => rm(folder, { recursive: true, force: true }));
    const addresses = new ClientAddresses(config.doors.trustedProxies);
    const listener = parts.use(
      await Listener.create(config.tls, {
        max: config.doors.strangers,
        maxPerAddress: config.doors.strangersPerAddress,
        address: (remoteAddress) => addresses.ofPeer(remoteAddress),
      }),
    );
    const doorkeeper = new Doorkeeper({
      limits: config.doors,
      addresses,
      events,
      authenticated: (socket) => listener.authenticated(socket),
      crowded: (session) => sessions.find(session)?.figures.joinRefused(),
    });
    const media = parts.use(
      await MediaPool.start(
        config.mediaThreads,
        folder,
        { ice: iceOptions(config), bitrates: DEFAULT_BITRATES },
        {
          message: (session, message) => sessions.find(session)?.onMedia(message),
          lost: (names, error) => {
            events.fault("A media thread died; another took its place.", error);
            for (const name of names) {
              const session = sessions.find(name);
              media.openSession(name, session?.maxBitrate);
              session?.mediaLost();
            }
          },
          failed: (error) => events.fault("No media thread can be started.", error),
          contained: (session, error) =>
            events.fault("A media thread failed at one viewer.", error, session),
        },
      ),
    );
    const metrics = new Metrics({
      reports: () => sessions.reports(),
      isReady: () => this.#readiness.ready,
    });
    const gpu = parts.use(new GpuScheduler({ deadlineMs: () => this.#submitDeadline }));
    const profiles = this.#profiles;
    const sessions = new Sessions(profiles, (name, onEmpty) =>
      this.#sessionOptions(name, { folder, media, metrics, quarantine, recorder, gpu, onEmpty }),
    );
    this.#sessions = sessions;
    const { fileMb, files, totalMb } = config.recordings;
    const recorder = new Recorder({
      folder: config.recordings.folder,
      limits: { fileBytes: fileMb * MEBIBYTE, files, totalBytes: totalMb * MEBIBYTE },
      isInProfile: (name) => {
        const named = sessions.find(name)?.report().profile ?? "";
        return (profiles.has(named) ? profiles.get(named) : profiles.default).record;
      },
      events: {
        began: (...told) => events.recordingBegan(...told),
        ended: (...told) => events.recordingEnded(...told),
        failed: (...told) => events.recordingFailed(...told),
      },
    });
    const since = new Date().toISOString();
    const host = () => ({ url: this.#url, since, ...this.#readiness });
    const admin = parts.use(
      new AdminServices({
        access: config.metrics,
        profiles,
        tokens,
        doorkeeper,
        events,
        sessions,
        metrics,
        recorder,
        host,
      }),
    );
    listener.serve(
      createApp({
        viewerFolder: fileURLToPath(new URL("../../dist/viewer", import.meta.url)),
        secure: listener.secure,
        readiness: () => this.#readiness,
        attempt: (request) => doorkeeper.attempt("web", request),
        checkGuest: (request) => door.check(request),
        admin: {
          api: admin.api,
          metrics: admin.metrics,
          pageFolder: fileURLToPath(new URL("../../dist/admin", import.meta.url)),
        },
      }),
    );
    const signaling = parts.use(
      new SignalingDoor({
        tokens,
        doorkeeper,
        origins: { secure: listener.secure, allowed: config.doors.origins },
        events,
        session: (name) => sessions.forViewer(name),
      }),
    );
    parts.use(admin.attachTo(signaling.io));
    listener.onUpgrade(SIGNALING_PATH, (request, socket, head) => {
      void signaling.admit(request, socket, head);
    });
    parts.defer(() => sessions.close(STOPPING));
    for (const name of quarantine.sessions) sessions.forViewer(name); // For the admin to see.
    const door = parts.use(
      new GuestDoor({
        authenticate: (token) => tokens.authenticateGuest(token),
        hold: (pass, end) => tokens.hold(pass, end),
        doorkeeper,
        hasProfile: (name) => profiles.has(name),
        quarantined: (name) => {
          const reason = quarantine.reason(name);
          return reason === undefined ? undefined : quarantineSentence(name, reason);
        },
        session: ({ session, profile }) => sessions.forGuest(session, profile),
        resumeMs: config.resumeSeconds * 1000,
        recording: (session, connection) => recorder.find(session, connection),
        events,
      }),
    );
    listener.onUpgrade(GUEST_PATH, (request, socket, head) => {
      void door.admit(request, socket, head);
    });
    const { port } = await listener.listen(config.host, config.port);
    this.#url = `${listener.secure ? "https" : "http"}://${urlHost(config.host)}:${port}`;
    const { stateFolder } = config;
    parts.use(
      await HostSocket.listen({
        file: path.join(stateFolder, HOST_SOCKET),
        serve: admin.host,
        failed: (reason) => events.hostSocketMissing(reason),
      }),
    );
    const confinement = await this.#confinement;
    events.gatewayStarted({ url: this.#url, stateFolder, confinement: confinement.kind });
    events.confinementFound(confinement);
    events.memoryCapFound(await findMemoryCap(await this.#controlGroups));
    if (config.compileCache !== undefined) parts.defer(this.#compile(config.compileCache));
  }

  /** Workers that start meanwhile compile for themselves, as they do where it fails. */
  #compile(folder: string): () => Promise<void> {
    const ending = new AbortController();
    const compiling = (async () => {
      try {
        await compileWorkerCode(folder, ending.signal);
        this.#compileCache = folder;
      } catch (error) {
        if (!ending.signal.aborted) this.#events.codeNotCompiled(error);
      }
    })();
    return async () => {
      ending.abort();
      await compiling;
    };
  }

  #sessionOptions(
    name: string,
    { folder, media, metrics, quarantine, recorder, gpu, onEmpty }: SessionSurroundings,
  ): Omit<SessionOptions, "exclusion"> {
    const { frameRate, workerIdleSeconds } = this.#config;
    // Viewers may come before a worker does; with this profile each session begins.
    media.openSession(name, this.#profiles.default.maxBitrate);
    return {
      name,
      frameRate,
      workerIdleMs: workerIdleSeconds * 1000,
      events: this.#events,
      observer: both(metrics.observer, this.#options.observer ?? {}),
      startWorker: (request) => this.#startWorker(name, folder, media, recorder, request),
      postToMedia: (message) => media.post(name, message),
      quarantine,
      gpu,
      onEmpty: () => {
        media.closeSession(name);
        metrics.forget(name);
        recorder.forget(name);
        onEmpty();
      },
    };
  }

  async #startWorker(
    session: string,
    folder: string,
    media: MediaPool,
    recorder: Recorder,
    { profile, events, signal }: WorkerRequest,
  ): Promise<GpuWorker> {
    const { gpu } = await this.#gpu;
    if (gpu === undefined || !this.#readiness.ready)
      throw new WorkerError(this.#readiness.sentence);
    const { command } = await this.#confinement;
    const { socketPath: mediaSocketPath, nonce } = await media.expectWorker(
      session,
      profile.maxBitrate,
    );
    const socketPath = path.join(folder, `worker-${++this.#workers}.sock`);
    const { dawnFlags } = this.#config;
    const maxHostMemory = profile.hostMemoryMb * MEBIBYTE;
    const groups = await this.#controlGroups;
    const controlGroup =
      groups instanceof ControlGroups ? await groups.make(maxHostMemory) : undefined;
    return GpuWorker.start(
      {
        command: command({
          main: this.#options.workerMain ?? defaultWorkerMain(),
          environment: { ...gpu.environment, HELIOGRAPH_DAWN_FLAGS: dawnFlags.join(",") },
          usesDevices: !gpu.isSoftware,
          compileCache: this.#compileCache,
          maxHostMemory,
          sockets: [socketPath, mediaSocketPath],
          secrets: secretsOf(this.#config),
        }),
        socketPath,
        mediaSocketPath,
        mediaNonce: nonce,
        maxHostMemory,
        controlGroup,
        recordings: recorder.forWorker(session),
      },
      events,
      signal,
    );
  }

  get #submitDeadline(): number {
    return this.#config.submitDeadline ?? usualSubmitDeadline(this.#isSoftware);
  }

  async #probe(): Promise<GpuProbe> {
    const { gpu: wanted, cacheFolder } = this.#config;
    const probe = await probeGpu({ wanted, cacheFolder, signal: this.#closing.signal });
    if (this.#closing.signal.aborted) return probe;
    const { forbidsWorkers, sentence: unconfined } = await this.#confine(probe);
    if (probe.gpu !== undefined && forbidsWorkers) {
      this.#readiness = { ready: false, sentence: unconfined };
    } else if (probe.gpu === undefined) {
      const sentence = `No GPU works here. ${probe.attempts.join(" ")}`;
      this.#readiness = { ready: false, sentence };
      this.#events.gpuMissing(sentence);
    } else {
      this.#readiness = { ready: true, sentence: `Sessions use ${probe.gpu.name}.` };
      this.#isSoftware = probe.gpu.isSoftware;
      this.#events.gpuProbed(probe.gpu.name, probe.gpu.isSoftware);
    }
    return probe;
  }

  /** Holds workers less where that hides the machine's GPU from them. The software one is ours, and found. */
  async #confine({ gpu }: GpuProbe): Promise<Confinement> {
    const found = await this.#confinement;
    if (gpu === undefined || gpu.isSoftware) return found;
    const { signal } = this.#closing;
    const kept = await confinementWithGpu(found, this.#config.confinement, gpu, signal);
    if (kept !== found && !signal.aborted) this.#events.confinementFound(kept);
    this.#confinement = Promise.resolve(kept);
    return kept;
  }
}

/** TypeScript from a checkout, JavaScript where the gateway was built: the worker's as this file's. */
function defaultWorkerMain(): string {
  const extension = path.extname(import.meta.filename);
  return fileURLToPath(new URL(`../worker/main${extension}`, import.meta.url));
}

/** What a browser on this machine, or one that is told this host's name, puts in its address. */
function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
