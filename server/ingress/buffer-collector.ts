import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Forwarded bytes after which the buffers that carried them are collected. */
const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

type MinorCollection = (options: { readonly type: "minor" }) => void;

/**
 * Frees the buffers of forwarded bytes soon. V8 starts a collection for memory outside its heap only
 * after 64 MiB of it, so a guest's upload alone would raise the gateway by as much. A minor collection
 * takes under a millisecond here, since nothing survives but what is under way.
 */
export class BufferCollector {
  readonly #collect: MinorCollection;
  #forwarded = 0;

  constructor(collect: MinorCollection = exposedCollector()) {
    this.#collect = collect;
  }

  forwarded(bytes: number): void {
    this.#forwarded += bytes;
    if (this.#forwarded < COLLECT_EVERY_BYTES) return;
    this.#forwarded = 0;
    this.#collect({ type: "minor" });
  }
}

/** A new context gets the collector's function; this one's globals stay as they are. */
function exposedCollector(): MinorCollection {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect !== "function") throw new Error("V8 does not give its collector.");
  return (options) => void collect(options);
}
