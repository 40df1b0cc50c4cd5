import type { GpuMessage } from "./messages.ts";

/** Submits that are under way at once while nobody else wants the GPU. Bounds what others wait for when they do. */
export const MOST_UNDER_WAY = 16;

/** Submits that one wait for the GPU covers. Each wait costs a promise in Dawn, and the deadline counts for all of it. */
const SUBMITS_A_MARK = 4;

/** Milliseconds between two words that a submit is done. */
const PROGRESS_EVERY_MS = 50;

/** Milliseconds of submits after which the event loop gets its turn, in which the gateway may take the lease back. */
const LONGEST_TURN_MS = 4;

/** What a lease needs of Dawn's queue. */
type Queue = Pick<GPUQueue, "onSubmittedWorkDone">;

/**
 * The worker's side of credit before submit: no submit goes to the GPU without a lease from the gateway. While nobody
 * else wants the GPU the lease stays, and a submit waits for nothing.
 */
export class GpuLease {
  readonly #report: (message: GpuMessage) => void;
  #lease: number | undefined;
  #isRevoked = false;
  #isContended = false;
  #isWanted = false;
  /** Submits that are not known to be done. */
  #underWay = 0;
  /** Of these, those that nothing waits for yet, by queue. */
  readonly #unmarked = new Map<Queue, number>();
  #isMarkDue = false;
  #toldAt = 0;
  #turnBegan: number | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(report: (message: GpuMessage) => void) {
    this.#report = report;
  }

  /** Runs the submit now, or before the promise that it returns resolves. */
  submit(queue: Queue, run: () => void): Promise<void> | undefined {
    if (this.#mayGo()) {
      this.#run(queue, run);
      return undefined;
    }
    return this.#runLater(queue, run);
  }

  /** Resolves when all that was submitted is done. */
  async settled(): Promise<void> {
    while (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  granted(lease: number, isContended: boolean): void {
    this.#lease = lease;
    this.#isContended = isContended;
    this.#isRevoked = false;
    this.#isWanted = false;
    // Unless its wish is gone: then the lease is kept as any that is not used.
    this.#wake();
  }

  revoked(lease: number): void {
    if (lease !== this.#lease) return; // It was given back meanwhile.
    this.#isRevoked = true;
    if (this.#underWay === 0) this.#giveBack(lease);
  }

  async #runLater(queue: Queue, run: () => void): Promise<void> {
    while (!this.#mayGo()) {
      const turned = this.#isTurnOver();
      this.#turnBegan = undefined;
      if (!this.#hasLease && !this.#isWanted) {
        this.#isWanted = true;
        this.#report({ type: "gpuWanted" });
      }
      if (turned && this.#hasLease && this.#hasRoom) await afterTurn();
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#run(queue, run);
  }

  get #hasLease(): boolean {
    return this.#lease !== undefined && !this.#isRevoked;
  }

  get #hasRoom(): boolean {
    return this.#underWay < (this.#isContended ? 1 : MOST_UNDER_WAY);
  }

  #mayGo(): boolean {
    return this.#hasLease && this.#hasRoom && !this.#isTurnOver();
  }

  #isTurnOver(): boolean {
    return this.#turnBegan !== undefined && performance.now() - this.#turnBegan > LONGEST_TURN_MS;
  }

  #run(queue: Queue, run: () => void): void {
    if (this.#turnBegan === undefined) {
      this.#turnBegan = performance.now();
      setImmediate(() => {
        this.#turnBegan = undefined;
      });
    }
    if (this.#underWay === 0 && this.#lease !== undefined) {
      this.#toldAt = performance.now();
      this.#report({ type: "gpuBusy", lease: this.#lease });
    }
    this.#underWay++;
    const unmarked = (this.#unmarked.get(queue) ?? 0) + 1;
    this.#unmarked.set(queue, unmarked);
    run();
    if (unmarked >= SUBMITS_A_MARK) this.#mark();
    else if (!this.#isMarkDue) {
      this.#isMarkDue = true;
      queueMicrotask(() => this.#mark());
    }
  }

  /** Waits for all that was submitted since the last mark. */
  #mark(): void {
    this.#isMarkDue = false;
    for (const [queue, submits] of this.#unmarked) {
      void this.#awaitDone(queue, submits);
    }
    this.#unmarked.clear();
  }

  async #awaitDone(queue: Queue, submits: number): Promise<void> {
    // Rejects when the device is lost, and nothing of it is under way then.
    await queue.onSubmittedWorkDone().catch(() => undefined);
    this.#done(submits);
  }

  #done(submits: number): void {
    this.#underWay -= submits;
    const lease = this.#lease;
    if (lease === undefined) return;
    if (this.#underWay === 0) {
      if (this.#isRevoked) this.#giveBack(lease);
      else this.#report({ type: "gpuIdle", lease });
    } else if (performance.now() - this.#toldAt >= PROGRESS_EVERY_MS) {
      this.#toldAt = performance.now();
      this.#report({ type: "gpuProgress", lease });
    }
    this.#wake();
  }

  #giveBack(lease: number): void {
    this.#lease = undefined;
    this.#report({ type: "gpuReturned", lease });
    this.#wake(); // Who waits asks anew.
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function afterTurn(): Promise<void> {
  // A bare `resolve` would look like Dawn's own poll: see paced-poller.ts.
  return new Promise((resolve) => setImmediate(() => resolve()));
}
