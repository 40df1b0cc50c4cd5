import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * The file in which a program's preload says why the connection was lost, for the runner to read. An exit
 * status would not do: it is the program's own, and may pass through npm and a shell.
 */
export class LostFile implements Disposable {
  readonly path: string;
  readonly #folder: string;

  /** In a folder that only this user enters. Whoever makes one disposes of it. */
  constructor() {
    this.#folder = mkdtempSync(path.join(tmpdir(), "heliograph-run-"));
    this.path = path.join(this.#folder, "lost");
  }

  /** The sentence, if one was written since the last time. */
  take(): string | undefined {
    try {
      const sentence = readFileSync(this.path, "utf8");
      rmSync(this.path);
      return sentence;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Done before the program itself hears of the loss, since it may exit then. */
export function writeLost(file: string, sentence: string): void {
  try {
    writeFileSync(file, sentence);
  } catch {
    // The runner is gone, and its folder with it: nobody starts the program again.
  }
}
