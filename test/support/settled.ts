import { setTimeout as delay } from "node:timers/promises";

/** What does not change for so long has come to rest. In milliseconds. */
const QUIET_MS = 400;
const LOOK_EVERY_MS = 50;

/** Resolves with the value once it stays as it is: for what nobody tells the end of. */
export async function settled(read: () => number | Promise<number>): Promise<number> {
  let last = await read();
  for (let since = performance.now(); performance.now() - since < QUIET_MS;) {
    await delay(LOOK_EVERY_MS);
    const value = await read();
    if (value !== last) since = performance.now();
    last = value;
  }
  return last;
}
