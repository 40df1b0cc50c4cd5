import { type Result, type Status, status as toStatus } from "./results.ts";

// Not at the line's beginning: Dawn prints warnings between that end in no newline.
const BEGIN = /\[begin\] (webgpu:.*)$/;
const HEADER = /\[(pass|warn|skip|fail)\] (webgpu:.*) \((-?[\d.e+-]+)ms\)\. Log:$/;
const END = /\*\* (?:Skipped|Warnings|Failures|Summary) \*\*$/;

/** Characters kept of what a case logged: enough for the first failures, with their places. */
const MAX_LOG = 2000;

/** Reads what the suite's runner prints with --verbose: for each case that it begins, a header, then its log. */
export class SuiteOutput {
  readonly #onResult: (result: Result) => void;
  #last: { name: string; status: Status; milliseconds: number; log: string } | undefined;

  /** The case that has begun and has no result yet. */
  underWay: string | undefined;

  /** The runner has come to its end; what follows is the same again, by status. */
  isComplete = false;

  /** A result is told once the next one begins, or at the end. */
  constructor(onResult: (result: Result) => void) {
    this.#onResult = onResult;
  }

  line(line: string): void {
    if (END.test(line)) this.isComplete = true;
    if (this.isComplete) return;
    const begun = BEGIN.exec(line)?.[1];
    const header = HEADER.exec(line);
    if (begun !== undefined) {
      this.end();
      this.underWay = begun;
    } else if (header !== null) {
      this.end();
      this.underWay = undefined;
      const [, status, name, milliseconds] = header;
      this.#last = {
        name: name!,
        status: toStatus.parse(status),
        milliseconds: Number(milliseconds),
        log: "",
      };
    } else if (this.#last !== undefined && this.#last.log.length < MAX_LOG) {
      this.#last.log = `${this.#last.log}${line}\n`.slice(0, MAX_LOG);
    }
  }

  end(): void {
    if (this.#last === undefined) return;
    const { log, ...result } = this.#last;
    this.#last = undefined;
    const isLogged = result.status !== "pass" && log.trim() !== "";
    this.#onResult(isLogged ? { ...result, log: log.trimEnd() } : result);
  }
}
