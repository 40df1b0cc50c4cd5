import type { Readable } from "node:stream";

const WINDOW_MS = 1000;

/**
 * Has a stream rest until the second is over once more than so much was read in it; what is read then may be over by one chunk.
 * Who writes to it waits meanwhile. Lengths are those of its chunks: bytes, or UTF-16 units where it decodes.
 */
export function limitRate(
  stream: Readable,
  perSecond: number,
  now: () => number = () => performance.now(),
): void {
  let windowStart = now();
  let inWindow = 0;
  stream.on("data", (chunk: string | Uint8Array) => {
    const time = now();
    if (time - windowStart >= WINDOW_MS) {
      windowStart = time;
      inWindow = 0;
    }
    inWindow += chunk.length;
    if (inWindow <= perSecond) return;
    stream.pause();
    setTimeout(() => stream.resume(), windowStart + WINDOW_MS - time);
  });
}
