import { setTimeout as delay } from "node:timers/promises";
import type { Profile } from "#server/config/config.ts";
import type { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { GpuMessage, ToGateway, ToWorker } from "#server/worker/messages.ts";
import { GpuSeat } from "./gpu-seat.ts";
import type { GpuWorker, WorkerEvents } from "./gpu-worker.ts";
import { RestartBackoff } from "./restart-backoff.ts";

export type WorkerRequest = {
  readonly profile: Profile;
  readonly events: WorkerEvents;
  /** The worker is no longer wanted. */
  readonly signal: AbortSignal;
};

type WorkerSlotEvents = {
  readonly starting: () => void;
  readonly started: (worker: GpuWorker) => void;
  /** It did not start, for this reason. */
  readonly failed: (reason: string) => void;
  readonly message: (message: ToGateway) => void;
  readonly output: (line: string) => void;
  /** It ended by itself or was killed: the slot is empty. */
  readonly ended: (worker: GpuWorker, reason: string) => void;
  /** stop() took it out; its process may live for a moment yet. */
  readonly stopping: () => void;
  readonly stopped: (worker: GpuWorker, reason: string) => void;
  /** Milliseconds of the GPU that it was charged. */
  readonly charged: (milliseconds: number) => void;
  /** One submit has been under way for so many milliseconds. */
  readonly overdue: (worker: GpuWorker, milliseconds: number) => void;
};

export type WorkerSlotOptions = {
  readonly gpu: GpuScheduler;
  /** Starts a GPU worker; throws an Error whose message is a sentence. */
  readonly startWorker: (request: WorkerRequest) => Promise<GpuWorker>;
  /** What counts when a worker starts. */
  readonly profile: () => Profile;
  readonly share: () => GpuShare;
  /** The session ends: nothing is started any more. Its reason is what ensure() throws. */
  readonly closing: AbortSignal;
  readonly events: WorkerSlotEvents;
};

/** The place of a session's GPU worker and its seat at the GPU. Two workers of a session never live at once. */
export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  readonly #backoff = new RestartBackoff();
  #worker: GpuWorker | undefined;
  #seat: GpuSeat | undefined;
  #starting: Promise<GpuWorker> | undefined;
  #abandoning = new AbortController();
  #stopping: Promise<void> = Promise.resolve();

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
  }

  get worker(): GpuWorker | undefined {
    return this.#worker;
  }

  /** No worker is there, nor does one start. */
  get isEmpty(): boolean {
    return this.#worker === undefined && this.#starting === undefined;
  }

  set share(share: GpuShare) {
    if (this.#seat !== undefined) this.#seat.share = share;
  }

  /** The worker, started where there is none, after the wait that its predecessors' ends ask for. */
  async ensure(): Promise<GpuWorker> {
    this.#options.closing.throwIfAborted();
    if (this.#worker !== undefined) return this.#worker;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  send(message: ToWorker): void {
    this.#worker?.send(message);
  }

  kill(reason: string): void {
    this.#worker?.kill(reason);
  }

  told(message: GpuMessage): void {
    this.#seat?.told(message);
  }

  frameFinished(): void {
    this.#seat?.frameFinished();
  }

  /** A start that is under way fails with this error. */
  abandonStart(error: Error): void {
    this.#abandoning.abort(error);
    this.#abandoning = new AbortController();
  }

  /** Resolves when no start is under way, however it ended. */
  async startSettled(): Promise<void> {
    await this.#starting?.catch(() => {});
  }

  /** Empties the slot. Harmless where it is empty. */
  stop(reason: string): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#leave();
    this.#options.events.stopping();
    this.#stopping = this.#stop(worker, reason);
  }

  /** Resolves when the process of the worker that was stopped last is gone. */
  async stopSettled(): Promise<void> {
    await this.#stopping;
  }

  /** Milliseconds from `now` until the workers that failed so far no longer count. */
  remembered(now: number): number {
    return this.#backoff.remembered(now);
  }

  async #start(): Promise<GpuWorker> {
    const { gpu, startWorker, profile, share, closing, events } = this.#options;
    await this.#stopping; // Of the one before.
    const signal = AbortSignal.any([closing, this.#abandoning.signal]);
    await delay(this.#backoff.delay(performance.now()), undefined, { signal });
    events.starting();
    this.#backoff.started(performance.now());
    try {
      const worker = await startWorker({
        profile: profile(),
        events: {
          message: (message) => events.message(message),
          ended: (reason) => this.#ended(worker, reason),
          output: (line) => events.output(line),
        },
        signal,
      });
      this.#worker = worker;
      this.#seat = new GpuSeat(gpu, worker, share(), {
        charged: (milliseconds) => events.charged(milliseconds),
        overdue: (milliseconds) => events.overdue(worker, milliseconds),
      });
      events.started(worker);
      return worker;
    } catch (error) {
      this.#backoff.failed(performance.now());
      events.failed(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #stop(worker: GpuWorker, reason: string): Promise<void> {
    await worker.stop(reason);
    this.#options.events.stopped(worker, reason);
  }

  #ended(worker: GpuWorker, reason: string): void {
    if (this.#worker !== worker) return; // It was stopped on purpose, of which `stopped` tells.
    this.#leave();
    this.#backoff.failed(performance.now());
    this.#options.events.ended(worker, reason);
  }

  #leave(): void {
    this.#worker = undefined;
    this.#seat?.[Symbol.dispose]();
    this.#seat = undefined;
  }
}
