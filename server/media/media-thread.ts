import { once } from "node:events";
import path from "node:path";
import { Worker } from "node:worker_threads";
import type { ExpectWorker, FromMedia, MediaOptions, ToMedia } from "./messages.ts";

/** A viewer's sockets get so long to close in order before the thread is ended. */
const SHUTDOWN_MS = 2000;

/**
 * New objects of a media thread: packets, which live for a round trip. Left alone, V8 lets this space grow to 100 MB over
 * minutes, for fewer and longer pauses.
 */
const MAX_YOUNG_GENERATION_MB = 16;

const UNASKED_END = "A media thread ended without having been asked.";

/** The gateway's handle on a media thread. */
export class MediaThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  /** By their sockets' paths: workers for which the thread does not listen yet, told of a failure or of none. */
  readonly #awaited = new Map<string, (failure: string | undefined) => void>();
  #closing: Promise<void> | undefined;

  private constructor(worker: Worker, exited: Promise<void>) {
    this.#worker = worker;
    this.#exited = exited;
  }

  /**
   * Resolves when the thread listens. `died` is called at most once, when the thread ends without
   * having been asked; its sessions must then be opened on another.
   */
  static async start(
    options: MediaOptions,
    receive: (message: FromMedia) => void,
    died: (error: Error) => void,
  ): Promise<MediaThread> {
    const entry = new URL(`./thread${path.extname(import.meta.filename)}`, import.meta.url);
    const worker = new Worker(entry, {
      workerData: options,
      name: "media",
      resourceLimits: { maxYoungGenerationSizeMb: MAX_YOUNG_GENERATION_MB },
    });
    let failure: Error | undefined;
    worker.on("error", (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    const exited = new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
    });
    await Promise.race([
      once(worker, "message"), // "ready" is the first.
      exited.then(() => Promise.reject(failure ?? new Error(UNASKED_END))),
    ]);
    const thread = new MediaThread(worker, exited);
    worker.on("message", (message: FromMedia) => {
      if (message.type === "listening") thread.#awaited.get(message.socketPath)?.(message.failure);
      else receive(message);
    });
    worker.once("exit", () => {
      if (thread.#closing === undefined) died(failure ?? new Error(UNASKED_END));
    });
    return thread;
  }

  post(message: ToMedia): void {
    this.#worker.postMessage(message);
  }

  /** Resolves when the worker may dial. Throws an Error with a sentence when it never may. */
  async expectWorker(worker: Omit<ExpectWorker, "type">): Promise<void> {
    const { socketPath } = worker;
    const listening = new Promise<string | undefined>((resolve) => {
      this.#awaited.set(socketPath, resolve);
    });
    this.post({ type: "expectWorker", ...worker });
    const failure = await Promise.race([listening, this.#exited.then(() => UNASKED_END)]);
    this.#awaited.delete(socketPath);
    if (failure !== undefined) throw new Error(failure);
  }

  /** Idempotent. Resolves when the thread is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.post({ type: "shutdown" });
    const timer = setTimeout(() => void this.#worker.terminate(), SHUTDOWN_MS);
    await this.#exited;
    clearTimeout(timer);
  }
}
