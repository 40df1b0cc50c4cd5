import { askCollector } from "#shared/base/ask-collector.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";

/** Objects that may be made without one being collected before the collector is asked to look. */
const OBJECTS_BETWEEN = 8192;
/** The same of bytes of GPU memory: an eighth of what a session has by default. */
const BYTES_BETWEEN = 128 * 1024 * 1024;
/** When a program that rests is looked at, after what it made last; then after twice as long each time. */
const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 64_000;
/**
 * For how many objects one of a costly kind counts. A session may have few of these at once
 * (docs/operations.md): a quarter of those have the collector look.
 */
const WEIGHTS: ReadonlyMap<number, number> = new Map([
  [ObjectKind.GPUAdapter, 8],
  [ObjectKind.GPUDevice, 32],
  [ObjectKind.GPUShaderModule, 4],
  [ObjectKind.GPUComputePipeline, 8],
  [ObjectKind.GPURenderPipeline, 8],
]);

/**
 * Gets the engine to collect. Records are small, so an engine sees no reason to look for dead ones
 * while the memory and handles behind them run out at the worker; memory that it counts is one.
 *
 * It collects beside the program, which hears of what was collected at a turn of its event loop.
 */
export class CollectorNudge {
  readonly #collect: () => void;
  /** Since something was collected. */
  #objects = 0;
  #bytes = 0;
  #alive = 0;
  /** Counts what was made, to see whether the program rests. */
  #serial = 0;
  #wait = FIRST_LOOK_MS;
  #isWatching = false;

  constructor(collect: () => void = askCollector) {
    this.#collect = collect;
  }

  /** An object that the collector is to find, its kind and what it takes of the GPU's memory. */
  made(kind: number, bytes: number): void {
    this.#alive++;
    this.#serial++;
    this.#objects += WEIGHTS.get(kind) ?? 1;
    this.#bytes += bytes;
    if (this.#objects >= OBJECTS_BETWEEN || this.#bytes >= BYTES_BETWEEN) this.#look();
    if (!this.#isWatching) this.#watch();
  }

  /** One that is not costly was released without the collector. */
  released(): void {
    this.#alive--;
    if (this.#objects > 0) this.#objects--;
  }

  /** One was destroyed: the collector would find its handle, and no memory. */
  destroyed(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
  }

  /** The collector found one. */
  collected(): void {
    this.#alive--;
    this.#objects = 0;
    this.#bytes = 0;
  }

  #look(): void {
    this.#objects = 0;
    this.#bytes = 0;
    this.#collect();
  }

  /** Looks while the program rests with objects alive, of which it may drop some. */
  #watch(): void {
    this.#isWatching = true;
    const seen = this.#serial;
    const timer: unknown = setTimeout(() => {
      this.#isWatching = false;
      if (this.#alive === 0) return;
      if (this.#serial === seen) {
        this.#look();
        this.#wait = Math.min(2 * this.#wait, LONGEST_LOOK_MS);
      } else {
        this.#wait = FIRST_LOOK_MS;
      }
      this.#watch();
    }, this.#wait);
    if (hasUnref(timer)) timer.unref(); // In Node: no reason to stay, for a program that ends.
  }
}

function hasUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === "object" && timer !== null && "unref" in timer;
}
