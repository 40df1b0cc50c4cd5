import { ObjectKind } from "#shared/wire/gen/numbers.ts";

/** Objects that may be made without one being collected before the collector is asked to look. */
const OBJECTS_BETWEEN = 8192;
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
/** Over what V8 lets external memory grow before it starts a collection of the old generation. */
const NUDGE_BYTES = 96 * 1024 * 1024;

/**
 * Gets the engine to collect. Records are small, so an engine sees no reason to look for dead ones
 * while the textures and handles behind them run out at the worker; memory that it counts is one.
 */
export class CollectorNudge {
  #made = 0;

  made(kind: number): void {
    this.#made += WEIGHTS.get(kind) ?? 1;
    if (this.#made < OBJECTS_BETWEEN) return;
    this.#made = 0;
    // Zeroed by the system when touched, which it never is: this costs an allocation's bookkeeping.
    void new ArrayBuffer(NUDGE_BYTES);
  }

  /** One that is not costly was released without the collector. */
  released(): void {
    this.#made--;
  }

  collected(): void {
    this.#made = 0;
  }
}
