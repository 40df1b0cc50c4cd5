import { setImmediate as turn } from "node:timers/promises";
import type { ToWorker } from "#server/worker/messages.ts";
import type { FromHost, ToHost } from "./messages.ts";

// The side of the process under test. An exception that escapes and a rejection that nobody handles end it, as they
// would in production: the fuzzer sees the exit.

export function tell(message: FromHost): void {
  process.send?.(message);
}

/**
 * Answers until the fuzzer is gone. `play` is for hosts that are played to by IPC, `gpu` for those that stand for a GPU
 * worker.
 */
export function answer(
  place: Readonly<Record<string, string>>,
  play?: (messages: readonly Buffer[]) => Promise<{ taken: number; fault?: string }>,
  gpu?: (message: ToWorker) => void,
): void {
  process.on("message", (message: ToHost) => {
    if (message.type === "memory") void collect();
    else if (message.type === "gpu") gpu?.(message.message);
    else void play?.(message.messages.map((bytes) => Buffer.from(bytes))).then(played);
  });
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  tell({ type: "ready", place });
}

function played(result: { taken: number; fault?: string }): void {
  tell({ type: "played", ...result });
}

/** Twice, with a turn between: finalizers of the first free what the second takes. */
async function collect(): Promise<void> {
  for (let times = 0; times < 2; times++) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  tell({ type: "memory", bytes: heapUsed + external });
}
