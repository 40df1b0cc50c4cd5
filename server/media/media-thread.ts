import path from "node:path";
import { Worker } from "node:worker_threads";
import type { FromMedia, MediaOptions, ToMedia } from "./messages.ts";

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
  /** Workers dial it. */
  readonly socketPath: string;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(worker: Worker, exited: Promise<void>, socketPath: string) {
    this.#worker = worker;
    this.#exited = exited;
    this.socketPath = socketPath;
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
    const socketPath = await Promise.race([
      new Promise<string>((resolve) => {
        worker.once("message", (message: FromMedia) => {
          if (message.type === "listening") resolve(message.socketPath);
        });
      }),
      exited.then(() => Promise.reject(failure ?? new Error(UNASKED_END))),
    ]);
    const thread = new MediaThread(worker, exited, socketPath);
    worker.on("message", receive);
    worker.once("exit", () => {
      if (thread.#closing === undefined) died(failure ?? new Error(UNASKED_END));
    });
    return thread;
  }

  post(message: ToMedia): void {
    this.#worker.postMessage(message);
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
