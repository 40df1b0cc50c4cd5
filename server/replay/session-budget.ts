import { TokenBucket } from "#shared/base/token-bucket.ts";
import type { Bounds } from "./bounds.ts";
import { Ledger } from "./memory-ledger.ts";
import { ObjectBudget } from "./object-budget.ts";
import { RateGate } from "./rate-gate.ts";
import { Tally } from "./tally.ts";

const MIB = 1024 * 1024;

/** What the connections of one session share of their bounds. Owned by the worker, one a session. */
export class SessionBudget {
  readonly gpuMemory: Ledger;
  readonly hostMemory: Ledger;
  readonly objects: ObjectBudget;
  readonly compiles: RateGate;
  readonly uploads: RateGate;
  readonly readbacks: RateGate;
  readonly tally = new Tally();
  /** Pipelines that compile beside the stream, the oldest first. */
  readonly #compiling = new Set<Promise<unknown>>();
  readonly #now: () => number;
  #bounds: Bounds;
  #errors: TokenBucket;

  /** `now` is in milliseconds. */
  constructor(bounds: Bounds, now: () => number = () => performance.now()) {
    this.#bounds = bounds;
    this.#now = now;
    this.gpuMemory = new Ledger(bounds.gpuMemoryMb * MIB);
    this.hostMemory = new Ledger(bounds.mappedMemoryMb * MIB);
    this.objects = new ObjectBudget(bounds.objects);
    this.compiles = new RateGate(bounds.compilesPerSecond, now);
    this.uploads = new RateGate(bounds.uploadMbPerSecond * MIB, now);
    this.readbacks = new RateGate(bounds.readbackMbPerSecond * MIB, now);
    this.#errors = new TokenBucket(bounds.errorsPerSecond, bounds.errorsPerSecond);
  }

  get bounds(): Bounds {
    return this.#bounds;
  }

  /** The profile changed. What is held above a lower bound stays, and nothing more is granted. */
  set bounds(bounds: Bounds) {
    if (bounds.errorsPerSecond !== this.#bounds.errorsPerSecond) {
      this.#errors = new TokenBucket(bounds.errorsPerSecond, bounds.errorsPerSecond);
    }
    this.#bounds = bounds;
    this.gpuMemory.quota = bounds.gpuMemoryMb * MIB;
    this.hostMemory.quota = bounds.mappedMemoryMb * MIB;
    this.objects.all.quota = bounds.objects;
    this.compiles.rate = bounds.compilesPerSecond;
    this.uploads.rate = bounds.uploadMbPerSecond * MIB;
    this.readbacks.rate = bounds.readbackMbPerSecond * MIB;
  }

  /** Returns the promise of a pipeline that compiles beside the stream. */
  compiling<T>(pipeline: Promise<T>): Promise<T> {
    void this.#compile(pipeline);
    return pipeline;
  }

  /** Resolves when the pipeline that has compiled the longest is done, or there is none. */
  async oldestCompiled(): Promise<void> {
    const [oldest] = this.#compiling;
    await oldest?.catch(() => undefined);
  }

  /** Whether an error may be told by itself. */
  mayTellError(): boolean {
    return this.#errors.take(this.#now());
  }

  async #compile(pipeline: Promise<unknown>): Promise<void> {
    this.#compiling.add(pipeline);
    await pipeline.catch(() => undefined);
    this.#compiling.delete(pipeline);
  }
}
