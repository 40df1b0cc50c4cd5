type Timers = { readonly setImmediate?: (callback: () => void) => unknown };

/** Calls back when the running task and its microtasks are over, in the order of the calls. */
export function afterTask(callback: () => void): void {
  const { setImmediate } = globalThis as Timers;
  if (setImmediate !== undefined) {
    setImmediate(callback);
    return;
  }
  // A browser: timers are clamped there when they nest, messages are not.
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    callback();
  });
  port1.start();
  port2.postMessage(undefined);
}

/**
 * Resolves after a turn of the event loop. What the program is promised and nobody need be asked for waits for one: a
 * program may loop over its promises, and sockets, ticks and the collector's finds come between tasks alone.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => afterTask(() => resolve()));
}
