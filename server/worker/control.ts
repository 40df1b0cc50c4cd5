import { once } from "node:events";
import path from "node:path";
import { Worker } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./messages.ts";
import type { FromWatchdog, WatchdogData } from "./watchdog.ts";

/** The worker's end of its control socket, which lives in the watchdog thread. */
export class Control {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  /**
   * Connects to the gateway. From here on, the process dies when the gateway does. `listener` gets
   * every message in order, the first possibly before the promise resolves.
   */
  static async connect(
    data: WatchdogData,
    listener: (message: ToWorker) => void,
  ): Promise<Control> {
    const entry = new URL(`./watchdog${path.extname(import.meta.filename)}`, import.meta.url);
    const thread = new Worker(entry, { workerData: data });
    const connected = once(thread, "message"); // "connected" is always the first.
    thread.on("message", (message: FromWatchdog) => {
      if (message.type !== "connected") listener(message);
    });
    await connected;
    return new Control(thread);
  }

  send(message: FromWorker): void {
    this.#thread.postMessage(message, []);
  }

  /** The watch goes on and no longer keeps the process, which ends once nothing else does. */
  release(): void {
    this.#thread.unref();
  }
}
