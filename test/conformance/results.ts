import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { SuiteError } from "./suite-error.ts";

/** Directly on Dawn, or as a guest of Heliograph. */
export type Way = "direct" | "guest";

/**
 * What the suite says of a case, or what became of its process: it ended or was silent for too long
 * while the case was running.
 */
export const status = z.enum(["pass", "warn", "skip", "fail", "ended", "hung"]);
export type Status = z.infer<typeof status>;

const result = z.object({
  name: z.string(),
  status,
  milliseconds: z.number(),
  /** What the suite logged of it, or the process wrote, unless it passed. */
  log: z.string().optional(),
});
export type Result = z.infer<typeof result>;

/** A folder of results: one JSON object a line, so that a run may be stopped and gone on with. */
export class ResultFolder {
  readonly #folder: string;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
  }

  /**
   * Keeps what the folder's results are measured with. Throws SuiteError where it has some that were measured with
   * something else: a table of both would be of neither.
   */
  requireSame(conditions: object): void {
    const file = path.join(this.#folder, "conditions.json");
    const text = `${JSON.stringify(conditions)}\n`;
    const kept = existsSync(file) ? readFileSync(file, "utf8") : undefined;
    if (kept === undefined) writeFileSync(file, text);
    else if (kept !== text) {
      throw new SuiteError(
        `The results in ${this.#folder} are measured with ${kept.trim()}, not ${text.trim()}: name another folder (--results).`,
      );
    }
  }

  /** The last result of each case. */
  read(way: Way): Map<string, Result> {
    return new Map(this.#lines(way).map((each) => [each.name, each]));
  }

  /** All results of each case when it was run again, because the two ways differed. */
  readAgain(way: Way): Map<string, Result[]> {
    return Map.groupBy(this.#lines(`${way}-again`), ({ name }) => name);
  }

  /** The names of a query's cases, where they were kept: the suite takes a minute to make 182,000. */
  readCases(query: string): string[] | undefined {
    const file = this.#casesFile(query);
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : undefined;
  }

  keepCases(query: string, names: readonly string[]): void {
    writeFileSync(this.#casesFile(query), `${names.join("\n")}\n`);
  }

  add(way: Way, added: Result): void {
    this.#append(way, added);
  }

  addAgain(way: Way, added: Result): void {
    this.#append(`${way}-again`, added);
  }

  #append(name: string, added: Result): void {
    appendFileSync(this.#file(name), `${JSON.stringify(added)}\n`);
  }

  #lines(name: string): Result[] {
    const file = this.#file(name);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => result.parse(JSON.parse(line)));
  }

  #casesFile(query: string): string {
    const hash = createHash("sha256").update(query).digest("hex").slice(0, 16);
    return path.join(this.#folder, `cases-${hash}.txt`);
  }

  #file(name: string): string {
    return path.join(this.#folder, `${name}.jsonl`);
  }
}
