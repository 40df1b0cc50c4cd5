import { printable } from "#shared/base/printable.ts";

/** One line that a worker prints. Bounds what the gateway holds of a line that never ends. */
export const MAX_OUTPUT_LINE = 400;
/** Bounds the log that a guest can fill through its worker. */
export const MAX_OUTPUT_LINES_PER_SECOND = 20;

/** Cuts what a worker prints into lines, and drops what is over the limits. */
export class WorkerOutput {
  readonly #now: () => number;
  #line = "";
  #windowStart = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  #last = "";

  /** `now` is in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The last line that was not empty: often the cause of an end. */
  get last(): string {
    return this.#last;
  }

  push(text: string): string[] {
    const lines: string[] = [];
    const parts = text.split("\n");
    for (const [index, part] of parts.entries()) {
      this.#line += part.slice(0, MAX_OUTPUT_LINE - this.#line.length);
      if (index === parts.length - 1) break;
      const line = printable(this.#line);
      this.#line = "";
      if (line === "") continue;
      this.#last = line;
      if (this.#mayPass()) lines.push(line);
    }
    return lines;
  }

  #mayPass(): boolean {
    const now = this.#now();
    if (now - this.#windowStart >= 1000) {
      this.#windowStart = now;
      this.#inWindow = 0;
    }
    return ++this.#inWindow <= MAX_OUTPUT_LINES_PER_SECOND;
  }
}
