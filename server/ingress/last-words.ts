import type { Duplex } from "node:stream";

/** Bounds the sockets that a worker keeps of programs that come and go. */
export const LAST_WORK_MS = 60_000;
/** Bounds the gateway's time for a worker that talks on. */
export const MAX_LAST_WORDS_BYTES = 64 * 1024 * 1024;

/**
 * Ends the data socket of a program that has ended in order, and owns it from now on: the worker runs what has arrived and
 * ends its side. What it says meanwhile is read, since it waits where nobody reads, and dropped. One that does not end is cut off.
 */
export function hearOut(data: Duplex): void {
  let heard = 0;
  data.on("data", (chunk: Buffer) => {
    heard += chunk.length;
    if (heard > MAX_LAST_WORDS_BYTES) data.destroy();
  });
  const timer = setTimeout(() => data.destroy(), LAST_WORK_MS);
  data.once("close", () => clearTimeout(timer));
  data.end();
  data.resume();
}
