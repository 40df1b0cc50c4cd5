import { AsyncLocalStorage } from "node:async_hooks";

/** Of an error's message: werift may quote what a stranger sent. */
const MAX_REASON_CHARACTERS = 500;

type Culprit = {
  /** Ends what the thread was at work for. `sentence` is for people. */
  readonly fail: (sentence: string, error: unknown) => void;
};

/**
 * Knows for whom the thread is at work, through timers, sockets and promises, so that what nobody catches ends that
 * viewer, and not the thread with the streams of all its sessions: werift, which parses what strangers send, throws in
 * places that no caller reaches. A viewer's state is its own, so that the others' is whole after.
 */
export class Blame {
  readonly #culprits = new AsyncLocalStorage<Culprit>();

  /** Does the work; what it throws now, or what comes of it later throws, is told to `fail`. */
  run<T>(fail: Culprit["fail"], work: () => T): T | undefined {
    const culprit = { fail };
    return this.#culprits.run(culprit, () => {
      try {
        return work();
      } catch (error) {
        tell(culprit, error);
        return undefined;
      }
    });
  }

  /** Hears what nobody in this thread caught. What is nobody's still ends the thread. */
  listen(): void {
    // Rejections that nobody handles come here as well.
    process.on("uncaughtException", (error) => {
      const culprit = this.#culprits.getStore();
      if (culprit === undefined) throw error;
      tell(culprit, error);
    });
  }
}

function tell({ fail }: Culprit, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  fail(`The media thread fails at this viewer: ${reason.slice(0, MAX_REASON_CHARACTERS)}`, error);
}
