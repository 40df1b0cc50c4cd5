import { ProtocolError } from "#shared/wire/errors.ts";
import { Ledger } from "./memory-ledger.ts";

/**
 * Objects of the costly kinds alive in one session. Bounds the host's memory and threads: a pipeline
 * with its module was measured to take 430 KB (SwiftShader), a device 0.3 MB and a queue.
 */
export const MAX_SESSION_OBJECTS: Readonly<Record<string, number>> = {
  GPUAdapter: 4096,
  GPUDevice: 1024,
  GPUShaderModule: 8192,
  GPUComputePipeline: 4096,
  GPURenderPipeline: 4096,
};

/** The handles that a session's connections have in use, in all and of the costly kinds. */
export class ObjectBudget {
  readonly all: Ledger;
  /** Handles that were given up so far. */
  released = 0;
  readonly #kinds = new Map(
    Object.entries(MAX_SESSION_OBJECTS).map(([kind, limit]) => [kind, new Ledger(limit)]),
  );

  constructor(limit: number) {
    this.all = new Ledger(limit);
  }

  /** Counts one more. Throws a ProtocolError where that is over a limit: a flood ends its connection. */
  take(kind: string): void {
    const ofKind = this.#kinds.get(kind);
    if (ofKind?.take(1) === false) {
      throw new ProtocolError(
        `The session has ${ofKind.used} objects of the kind ${kind} and makes one more (limit ${ofKind.quota}).`,
      );
    }
    if (this.all.take(1)) return;
    ofKind?.give(1);
    throw new ProtocolError(
      `The session has ${this.all.used} objects and makes one more (limit ${this.all.quota}).`,
    );
  }

  give(kind: string): void {
    this.#kinds.get(kind)?.give(1);
    this.all.give(1);
    this.released++;
  }
}
