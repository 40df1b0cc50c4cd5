import { assertNever } from "#shared/base/assert.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import type { SurfaceKey } from "#server/replay/surface-host.ts";
import { CollectorNudge } from "./collector-nudge.ts";
import { Connection } from "./connection.ts";
import { Control } from "./control.ts";
import { dial } from "./dial.ts";
import type { WorkerEnvironment } from "./env.ts";
import { GpuLease } from "./gpu-lease.ts";
import { limitHashes } from "./hash-limit.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { PacedPoller } from "./paced-poller.ts";
import { Pipeline } from "./pipeline.ts";
import { StageTimes } from "./stage-times.ts";

const STATS_INTERVAL_MS = 1000;

type PictureSize = { readonly width: number; readonly height: number };

/** The worker found nothing to work with; the message is a sentence for the operator. */
export class WorkerStartError extends Error {
  override name = "WorkerStartError" as const;
}

/** A GPU worker: the connections of one session, on one Dawn instance, with one picture. */
export class Worker implements Disposable {
  readonly #environment: WorkerEnvironment;
  readonly #poller: PacedPoller;
  readonly #gpu: GPU;
  readonly #control: Control;
  readonly #pipeline: Pipeline;
  readonly #times = new StageTimes();
  readonly #budget = new SessionBudget(DEFAULT_BOUNDS);
  readonly #collector = new CollectorNudge();
  readonly #lease: GpuLease;
  readonly #connections = new Map<number, Connection>();
  readonly #statsTimer: NodeJS.Timeout;
  readonly #ended: PromiseWithResolvers<void>;
  readonly #report: (message: FromWorker) => void;
  #reportedPolls = 0;
  #reportedMemory = "";

  private constructor(
    environment: WorkerEnvironment,
    poller: PacedPoller,
    gpu: GPU,
    control: Control,
    pipeline: Pipeline,
    ended: PromiseWithResolvers<void>,
  ) {
    this.#environment = environment;
    this.#poller = poller;
    this.#gpu = gpu;
    this.#control = control;
    this.#pipeline = pipeline;
    this.#ended = ended;
    this.#report = limitHashes((message) => control.send(message));
    this.#lease = new GpuLease((message) => control.send(message));
    this.#statsTimer = setInterval(() => {
      this.#sendStats();
      this.#sendMemory();
      this.#collector.look(this.#budget.objects.released);
      for (const connection of this.#connections.values()) connection.freeDestroyed();
    }, STATS_INTERVAL_MS);
  }

  /**
   * Connects to the gateway, loads Dawn, finds the adapter and the encoder, and says "ready". Rejects
   * with a WorkerStartError where the machine has nothing to work with; nothing is left open then.
   */
  static async start(
    environment: WorkerEnvironment,
    poller: PacedPoller,
    loadDawn: () => Promise<GPU>,
  ): Promise<Worker> {
    const started = Promise.withResolvers<Worker>();
    started.promise.catch(() => {}); // Told by the promise that start() returns.
    const control = await Control.connect(
      { path: environment.workerSocket, nonce: environment.workerNonce },
      // In order, also those that come before the worker is ready for them.
      (message) => void handleLater(started.promise, message),
    );
    try {
      const gpu = await loadDawn();
      const adapter = await gpu.requestAdapter();
      if (adapter === null) {
        throw new WorkerStartError("Dawn finds no GPU, nor the software one.");
      }
      const ended = Promise.withResolvers<void>();
      ended.promise.catch(() => {}); // Told by `ended`, if start() succeeds.
      const pipeline = await openPipeline(environment, adapter, control, ended.reject);
      const worker = new Worker(environment, poller, gpu, control, pipeline, ended);
      const { description, device, vendor, isFallbackAdapter } = adapter.info;
      control.send({
        type: "ready",
        adapter: description || device || vendor,
        isSoftware: isFallbackAdapter,
        encoder: pipeline.encoder,
      });
      started.resolve(worker);
      return worker;
    } catch (cause) {
      started.reject(cause);
      control.release();
      throw cause;
    }
  }

  /** Resolves when the gateway asks for the end. Rejects when the picture can no longer be delivered. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends every connection, after which the process ends by itself. Idempotent. */
  [Symbol.dispose](): void {
    clearInterval(this.#statsTimer);
    for (const connection of this.#connections.values()) connection.close();
    this.#pipeline.close();
    this.#control.release();
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case "open":
        void this.#serve(message.connection, message.isRecorded === true);
        return;
      case "close":
        this.#connections.get(message.connection)?.close();
        return;
      case "bounds":
        this.#budget.bounds = message.bounds;
        this.#pipeline.maxSize = message.maxSize;
        return;
      case "audience":
        this.#pipeline.frameRate = message.frameRate;
        this.#pipeline.setAudience(message.viewers);
        return;
      case "lease":
        this.#lease.granted(message.lease, message.isContended);
        return;
      case "revoke":
        this.#lease.revoked(message.lease);
        return;
      case "shutdown":
        this.#ended.resolve();
        return;
      default:
        assertNever(message);
    }
  }

  async #serve(id: number, isRecorded: boolean): Promise<void> {
    const { workerSocket, workerNonce } = this.#environment;
    const report = this.#report;
    try {
      const socket = await dial(workerSocket, workerNonce, id);
      using connection = new Connection({
        id,
        socket,
        gpu: this.#gpu,
        surfaces: this.#pipeline,
        budget: this.#budget,
        times: this.#times,
        report,
        isRecorded,
        lease: this.#lease,
        worked: () => this.#poller.workHandedOver(),
      });
      this.#connections.set(id, connection);
      await connection.run();
    } catch (cause) {
      report({
        type: "connectionEnded",
        connection: id,
        reason: `It cannot be served: ${String(cause)}`,
      });
    } finally {
      this.#connections.delete(id);
    }
  }

  #sendStats(): void {
    const polls = this.#poller.polls - this.#reportedPolls;
    this.#reportedPolls = this.#poller.polls;
    const stages = {
      ...this.#pipeline.takeStats(),
      ...this.#times.take(),
      ...this.#budget.tally.take(),
    };
    const legs = this.#pipeline.takeLegs();
    if (polls === 0 && Object.keys(stages).length === 0) return;
    this.#control.send({ type: "stats", stages: { ...stages, polls }, legs });
  }

  #sendMemory(): void {
    const { gpuMemory, hostMemory, objects } = this.#budget;
    const message = {
      type: "memory",
      gpuBytes: gpuMemory.used,
      hostBytes: hostMemory.used,
      objects: objects.all.used,
    } as const;
    const text = JSON.stringify(message);
    if (text === this.#reportedMemory) return;
    this.#reportedMemory = text;
    this.#control.send(message);
  }
}

async function handleLater(started: Promise<Worker>, message: ToWorker): Promise<void> {
  // Rejected, the process is about to end.
  const worker = await started.catch(() => undefined);
  worker?.handle(message);
}

async function openPipeline(
  { mediaSocket, mediaNonce }: WorkerEnvironment,
  adapter: GPUAdapter,
  control: Control,
  failed: (error: unknown) => void,
): Promise<Pipeline> {
  const probeDevice = await adapter.requestDevice();
  const shown = ({ connection, id }: SurfaceKey, size: PictureSize | undefined): void => {
    const message = { type: "surface", connection, surface: id } as const;
    control.send(size === undefined ? message : { ...message, size });
  };
  const refused = ({ connection }: SurfaceKey, size: PictureSize): void =>
    control.send({ type: "pictureRefused", connection, size });
  try {
    const events = { shown, refused, failed };
    return await Pipeline.open({ mediaSocket, mediaNonce, probeDevice, events });
  } finally {
    probeDevice.destroy();
  }
}
