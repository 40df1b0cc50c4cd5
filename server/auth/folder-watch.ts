import { type FSWatcher, watch } from "node:fs";

/** Some file systems tell nobody of a change; there it is found by looking this often. */
const LOOK_EVERY_MS = 5_000;

/**
 * Calls `look` when something in one of the folders may have changed: one call at a time, and another after a
 * change that came during it. What `look` throws goes to `failed`, and the watch goes on.
 */
export class FolderWatch implements Disposable {
  readonly #look: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  readonly #watchers: FSWatcher[] = [];
  readonly #timer: NodeJS.Timeout;
  #looking = false;
  #again = false;
  #closed = false;

  constructor(
    folders: readonly string[],
    look: () => Promise<void>,
    failed: (error: unknown) => void,
  ) {
    this.#look = look;
    this.#failed = failed;
    for (const folder of folders) this.#watch(folder);
    this.#timer = setInterval(() => this.changed(), LOOK_EVERY_MS).unref();
    this.changed(); // What changed since the caller looked last.
  }

  /** Looks, as after a change. */
  changed(): void {
    if (this.#closed) return;
    this.#again = true;
    if (!this.#looking) void this.#lookUntilQuiet();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.changed());
      watcher.on("error", () => watcher.close()); // The timer still looks.
      this.#watchers.push(watcher);
    } catch {
      // The system has no more watches to give: the timer still looks.
    }
  }

  async #lookUntilQuiet(): Promise<void> {
    this.#looking = true;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#look();
      } catch (error) {
        if (!this.#closed) this.#failed(error);
      }
    }
    this.#looking = false;
  }
}
