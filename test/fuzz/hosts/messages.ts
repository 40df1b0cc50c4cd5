import type { GpuMessage, ToWorker } from "#server/worker/messages.ts";

// Between the fuzzer and a process under test, by Node's IPC with structured clones.

export type ToHost =
  | { readonly type: "play"; readonly messages: readonly Uint8Array[] }
  | { readonly type: "memory" }
  /** The scheduler's word on submits. */
  | { readonly type: "gpu"; readonly message: ToWorker };

export type FromHost =
  /** Once, when it may be played to. `place` is what the target needs to know; its `folder` goes with the host. */
  | { readonly type: "ready"; readonly place: Readonly<Record<string, string>> }
  | { readonly type: "played"; readonly taken: number; readonly fault?: string }
  /** Bytes after a collection. */
  | { readonly type: "memory"; readonly bytes: number }
  /** Of a process that stands for a GPU worker, about its submits. */
  | { readonly type: "gpu"; readonly message: GpuMessage }
  /** A GPU worker ended unasked. */
  | { readonly type: "workerEnded"; readonly reason: string }
  /** What the process itself calls a fault of its own. */
  | { readonly type: "fault"; readonly sentence: string };
