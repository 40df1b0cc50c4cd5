import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { ConfigError } from "#server/config/config-error.ts";

const Entries = z.record(z.string(), z.string());

/** What a guest is told at the door, and viewers over the last frame. */
export function quarantineSentence(session: string, reason: string): string {
  return `Session ${session} is quarantined until its admin lets it back: ${reason}`;
}

/**
 * The sessions whose guests are not let in, and why. Kept in a file, so that neither the end of a session
 * nor the gateway's lets one back: only an admin does.
 */
export class Quarantine {
  readonly #file: string;
  readonly #reasons: Map<string, string>;
  readonly #failed: (error: unknown) => void;

  private constructor(
    file: string,
    reasons: Map<string, string>,
    failed: (error: unknown) => void,
  ) {
    this.#file = file;
    this.#reasons = reasons;
    this.#failed = failed;
  }

  /**
   * `failed` is told when the file can't be written: what was set then lasts for this run only. Throws
   * ConfigError when the file is there and holds none: to start without it would let everybody back.
   */
  static open(stateFolder: string, failed: (error: unknown) => void): Quarantine {
    const file = path.join(stateFolder, "quarantine.json");
    return new Quarantine(file, readReasons(file), failed);
  }

  get sessions(): Iterable<string> {
    return this.#reasons.keys();
  }

  reason(session: string): string | undefined {
    return this.#reasons.get(session);
  }

  set(session: string, reason: string): void {
    this.#reasons.set(session, reason);
    this.#write();
  }

  clear(session: string): void {
    if (this.#reasons.delete(session)) this.#write();
  }

  // In one go and before anything else happens: the gateway may be killed in the next instant.
  #write(): void {
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      const draft = `${this.#file}.${process.pid}`;
      writeFileSync(draft, `${JSON.stringify(Object.fromEntries(this.#reasons))}\n`, {
        mode: 0o600,
      });
      renameSync(draft, this.#file);
    } catch (error) {
      this.#failed(error);
    }
  }
}

function readReasons(file: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return new Map();
    throw error;
  }
  try {
    return new Map(Object.entries(Entries.parse(JSON.parse(text))));
  } catch (cause) {
    throw new ConfigError(
      `${file} holds no list of quarantined sessions: correct it, or delete it to let all back.`,
      { cause },
    );
  }
}
