import { availableParallelism } from "node:os";
import type { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { Seat } from "#server/scheduler/seat.ts";
import type { GpuMessage, ToWorker } from "#server/worker/messages.ts";

const SAMPLE_EVERY_MS = 1000;

/** Processor time that decoding, conversion and encoding take beside the GPU's, in milliseconds a second. */
const BESIDE_ALLOWANCE_MS = 500;

/** What a seat needs of a worker. */
type SeatedWorker = {
  /** Milliseconds of processor time that it had so far; undefined where the system does not tell. */
  readonly processorMs: number | undefined;
  readonly ready: { readonly isSoftware: boolean };
  send(message: ToWorker): void;
};

export type GpuSeatEvents = {
  /** Milliseconds of the GPU that were charged. */
  readonly charged: (milliseconds: number) => void;
  readonly overdue: (milliseconds: number) => void;
};

/** One worker at the scheduler: carries leases and words to and fro, and checks the words from outside. */
export class GpuSeat implements Disposable {
  readonly #scheduler: GpuScheduler;
  readonly #worker: SeatedWorker;
  readonly #seat: Seat;
  readonly #events: GpuSeatEvents;
  readonly #sampler: NodeJS.Timeout | undefined;
  #chargedSinceSample = 0;
  #processorMs: number | undefined;

  constructor(
    scheduler: GpuScheduler,
    worker: SeatedWorker,
    share: GpuShare,
    events: GpuSeatEvents,
  ) {
    this.#scheduler = scheduler;
    this.#worker = worker;
    this.#events = events;
    this.#seat = scheduler.join(share, {
      grant: (lease, isContended) => worker.send({ type: "lease", lease, isContended }),
      revoke: (lease) => worker.send({ type: "revoke", lease }),
      overdue: (milliseconds) => events.overdue(milliseconds),
    });
    // A software GPU works on the worker's own processor time, which tells what a worker keeps quiet about.
    if (worker.ready.isSoftware) {
      this.#sampler = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
    }
  }

  set share(share: GpuShare) {
    this.#scheduler.setShare(this.#seat, share);
  }

  frameFinished(): void {
    this.#scheduler.frameFinished(this.#seat);
  }

  told(message: GpuMessage): void {
    switch (message.type) {
      case "gpuWanted":
        this.#scheduler.wanted(this.#seat);
        return;
      case "gpuBusy":
        this.#scheduler.busy(this.#seat);
        return;
      case "gpuProgress":
        this.#charge(this.#scheduler.progress(this.#seat));
        return;
      case "gpuIdle":
        this.#charge(this.#scheduler.idle(this.#seat));
        return;
      case "gpuReturned":
        this.#charge(this.#scheduler.returned(this.#seat, message.lease));
        return;
    }
  }

  /** The worker is gone. Idempotent. */
  [Symbol.dispose](): void {
    clearInterval(this.#sampler);
    this.#scheduler.leave(this.#seat);
  }

  #charge(milliseconds: number): void {
    this.#chargedSinceSample += milliseconds;
    this.#events.charged(milliseconds);
  }

  #sample(): void {
    const total = this.#worker.processorMs;
    const charged = this.#chargedSinceSample;
    this.#chargedSinceSample = 0;
    const before = this.#processorMs;
    this.#processorMs = total;
    if (total === undefined || before === undefined) return;
    // Of all processors, as a lease is of the whole GPU.
    const used = (total - before - BESIDE_ALLOWANCE_MS) / availableParallelism();
    if (used <= charged) return;
    this.#scheduler.chargeBeside(this.#seat, used - charged);
    this.#events.charged(used - charged);
  }
}
