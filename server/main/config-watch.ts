import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FolderWatch } from "#server/auth/folder-watch.ts";
import type { Config } from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import type { ConfigSource } from "#server/config/config-text.ts";

/** A file is read when it has stayed the same for so long: editors empty one before they write it. */
const SETTLE_MS = 100;

export type ConfigWatchOptions = {
  /** As it was read when the gateway started. */
  readonly source: ConfigSource;
  /** Throws ConfigError. */
  readonly read: (file: string) => Promise<ConfigSource>;
  /** Throws ConfigError. */
  readonly resolve: (source: ConfigSource) => Config;
  readonly changed: (config: Config) => void;
  /** The file is wrong, for the reason of this sentence; it is told once until the file changes again. */
  readonly refused: (reason: string) => void;
  readonly failed: (error: unknown) => void;
};

/** Reads the configuration's file again whenever it changes, or whoever owns this asks for it. */
export class ConfigWatch implements Disposable {
  readonly #options: ConfigWatchOptions;
  readonly #watch: FolderWatch;
  /** Text, or why there is none. */
  #last: string;
  #isAsked = false;

  constructor(options: ConfigWatchOptions) {
    const { source, failed } = options;
    this.#options = options;
    this.#last = source.text;
    this.#watch = new FolderWatch([path.dirname(source.file)], () => this.#look(), failed);
  }

  /** Also where its text is the same. */
  reread(): void {
    this.#isAsked = true;
    this.#watch.changed();
  }

  [Symbol.dispose](): void {
    this.#watch.close();
  }

  async #look(): Promise<void> {
    const source = await this.#readSettled();
    const text = source instanceof ConfigError ? source.message : source.text;
    if (text === this.#last && !this.#isAsked) return;
    this.#last = text;
    this.#isAsked = false;
    try {
      if (source instanceof ConfigError) throw source;
      this.#options.changed(this.#options.resolve(source));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#options.refused(error.message);
    }
  }

  async #readSettled(): Promise<ConfigSource | ConfigError> {
    for (let last = await this.#read(); ;) {
      if (!(last instanceof ConfigError) && last.text === this.#last) return last;
      await delay(SETTLE_MS);
      const next = await this.#read();
      if (sameText(last, next)) return next;
      last = next;
    }
  }

  async #read(): Promise<ConfigSource | ConfigError> {
    try {
      return await this.#options.read(this.#options.source.file);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
  }
}

function sameText(one: ConfigSource | ConfigError, other: ConfigSource | ConfigError): boolean {
  if (one instanceof ConfigError) return other instanceof ConfigError;
  return !(other instanceof ConfigError) && one.text === other.text;
}
