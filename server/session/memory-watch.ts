/** Between two looks. A worker that takes memory as fast as the kernel gives it gets about 1 GiB further in it. */
const INTERVAL_MS = 250;

const MEBIBYTE = 1024 * 1024;

/**
 * Holds a GPU worker's process to its profile's memory, from outside: it looks at what is resident. Bounds what a guest can
 * make its worker take from the host, mapped buffers and compilers included.
 */
export class MemoryWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;

  /** `exceeded` is called once, with a sentence. */
  constructor(maxBytes: number, residentBytes: () => number, exceeded: (reason: string) => void) {
    this.#timer = setInterval(() => {
      const bytes = residentBytes();
      if (bytes <= maxBytes) return;
      this[Symbol.dispose]();
      exceeded(
        `The GPU worker took ${Math.ceil(bytes / MEBIBYTE)} MiB of memory, over its profile's ` +
          `${Math.floor(maxBytes / MEBIBYTE)} MiB (hostMemoryMb).`,
      );
    }, INTERVAL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
