/** Between two looks. A worker that takes memory as fast as the kernel gives it gets about 1 GiB further in it. */
const INTERVAL_MS = 250;

/**
 * Processes of one worker: itself, and what a driver starts for a moment. Bounds the host's processes that a worker takes, and
 * the time that looking at them takes of the gateway.
 */
export const MAX_WORKER_PROCESSES = 16;

const MEBIBYTE = 1024 * 1024;

/** What a worker and whatever it started take of the host. */
export type HostUse = { readonly residentBytes: number; readonly processes: number };

/**
 * Holds a GPU worker to what it may take of the host, from outside: it looks at its processes and at what is resident of them.
 * Bounds what a guest can make its worker take, mapped buffers and compilers included.
 */
export class HostWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  /** Counts from the next look. */
  maxBytes: number;

  /** `exceeded` is called once, with a sentence. */
  constructor(maxBytes: number, look: () => HostUse, exceeded: (reason: string) => void) {
    this.maxBytes = maxBytes;
    this.#timer = setInterval(() => {
      const excess = excessOf(look(), this.maxBytes);
      if (excess === undefined) return;
      this[Symbol.dispose]();
      exceeded(excess);
    }, INTERVAL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function excessOf({ residentBytes, processes }: HostUse, maxBytes: number): string | undefined {
  if (processes > MAX_WORKER_PROCESSES) {
    return `The GPU worker started processes: more than ${MAX_WORKER_PROCESSES} are its.`;
  }
  if (residentBytes <= maxBytes) return undefined;
  const taken = Math.ceil(residentBytes / MEBIBYTE);
  const allowed = Math.floor(maxBytes / MEBIBYTE);
  return `The GPU worker took ${taken} MiB of memory, over its profile's ${allowed} MiB (hostMemoryMb).`;
}
