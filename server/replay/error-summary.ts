import type { ReportedError } from "./error-scopes.ts";

/** How long errors over the rate gather before they are told together, in milliseconds. */
export const SUMMARY_INTERVAL_MS = 1000;

/** Gathers the errors of a device that came faster than they are told, and tells how many there were. */
export class ErrorSummary {
  readonly #tell: (error: ReportedError) => void;
  readonly #held = new Map<ReportedError["type"], { count: number; last: string }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (error: ReportedError) => void) {
    this.#tell = tell;
  }

  add({ type, message }: ReportedError): void {
    const count = (this.#held.get(type)?.count ?? 0) + 1;
    this.#held.set(type, { count, last: message });
    this.#timer ??= setTimeout(() => this.#flush(), SUMMARY_INTERVAL_MS).unref();
  }

  /** What was gathered is not told. Idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#held.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    for (const [type, { count, last }] of this.#held) {
      const message =
        count === 1
          ? last
          : `${count} errors came too fast to be told one by one. The last: ${last}`;
      this.#tell({ type, message });
    }
    this.#held.clear();
  }
}
