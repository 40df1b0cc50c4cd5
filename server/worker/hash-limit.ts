import { TokenBucket } from "#shared/base/token-bucket.ts";
import type { FromWorker } from "./messages.ts";

/**
 * Hashes that a worker tells a second, of all its recorded programs. Keeps one that reads tiny buffers in a loop from taking its
 * worker past what the gateway lets a worker say; eight canvases at 240 frames a second present as many.
 */
export const MAX_HASHES_PER_SECOND = 2_000;

/** Passes messages on, but for the hashes over the limit: a recording is compared by those that it has. `now` is in milliseconds. */
export function limitHashes(
  send: (message: FromWorker) => void,
  now: () => number = () => performance.now(),
): (message: FromWorker) => void {
  const hashes = new TokenBucket(MAX_HASHES_PER_SECOND, MAX_HASHES_PER_SECOND);
  return (message) => {
    const isHash = message.type === "pictureHash" || message.type === "mappedHash";
    if (!isHash || hashes.take(now())) send(message);
  };
}
