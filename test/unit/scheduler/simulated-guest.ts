import type { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import type { Seat } from "#server/scheduler/seat.ts";

/** How a guest uses the GPU; times in milliseconds. */
export type Load = {
  readonly share: GpuShare;
  /** What one submit takes. */
  readonly submit: number;
  /** From the beginning of one frame to the next; 0 submits without end. */
  readonly every: number;
};

/** A worker that keeps to its leases, on the test's clock. */
export class SimulatedGuest {
  readonly seat: Seat;
  readonly load: Load;
  used = 0;
  frames = 0;
  overdue = 0;
  contended = 0;
  readonly #scheduler: GpuScheduler;
  #lease: number | undefined;
  #isRevoked = false;
  #isBusy = false;
  #due = 0;
  #isAsking = false;

  constructor(scheduler: GpuScheduler, load: Load) {
    this.#scheduler = scheduler;
    this.load = load;
    this.seat = scheduler.join(load.share, {
      // Messages take their time, as between processes.
      grant: (lease, isContended) => queueMicrotask(() => this.#granted(lease, isContended)),
      revoke: (lease) => queueMicrotask(() => this.#revoked(lease)),
      overdue: () => this.overdue++,
    });
  }

  start(): void {
    this.#due++;
    this.#step();
    if (this.load.every > 0) setInterval(() => this.#frame(), this.load.every);
  }

  /** Frames wait for one another as those of a real program: two are never due. */
  #frame(): void {
    this.#due = Math.min(1, this.#due + 1);
    this.#step();
  }

  #granted(lease: number, isContended: boolean): void {
    this.#lease = lease;
    this.#isRevoked = false;
    this.#isAsking = false;
    if (isContended) this.contended++;
    this.#step();
  }

  #revoked(lease: number): void {
    if (lease !== this.#lease) return;
    this.#isRevoked = true;
    if (!this.#isBusy) this.#giveBack();
    this.#step();
  }

  #step(): void {
    if (this.#due === 0 || this.#isBusy) return;
    if (this.#lease === undefined) {
      if (this.#isAsking) return;
      this.#isAsking = true; // The grant may come before wanted() returns.
      this.#scheduler.wanted(this.seat);
      return;
    }
    this.#isBusy = true;
    this.#scheduler.busy(this.seat);
    setTimeout(() => this.#done(), this.load.submit);
  }

  #done(): void {
    this.#isBusy = false;
    this.used += this.load.submit;
    this.frames++;
    if (this.load.every > 0) {
      this.#due--;
      this.#scheduler.frameFinished(this.seat);
    }
    if (this.#isRevoked) this.#giveBack();
    else this.#scheduler.idle(this.seat);
    this.#step();
  }

  #giveBack(): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#isRevoked = false;
    if (lease !== undefined) this.#scheduler.returned(this.seat, lease);
  }
}
