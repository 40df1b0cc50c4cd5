import { FRAMES_LINE } from "../frame-rate.ts";

// Preloaded into a program after its page was made: prints now and then how many animation callbacks
// it has run so far. The same for a guest and for a program on Dawn directly.

const INTERVAL_MS = 100;

const { requestAnimationFrame: request } = globalThis;
// The commands around the program load this too, and are no pages.
if (typeof request === "function") {
  let frames = 0;
  let printed = performance.now();
  const counting: typeof request = (callback) =>
    request((time) => {
      frames += 1;
      const now = performance.now();
      if (now - printed >= INTERVAL_MS) {
        printed = now;
        process.stdout.write(`${FRAMES_LINE} ${frames} ${now}\n`);
      }
      callback(time);
    });
  globalThis.requestAnimationFrame = counting;
}
