import { createHash } from "node:crypto";
import { fileOf, testOf } from "./case-name.ts";

/** One run of the suite's runner, which takes one query: the cases of a file. */
export type FilePlan = {
  readonly query: string;
  /** All that the query names, in the order in which they run. */
  readonly cases: readonly string[];
  /** Those of them that are to run. */
  readonly wanted: ReadonlySet<string>;
};

/** Keeps the order. Files of which nothing is wanted are left out. */
export function planFiles(cases: readonly string[], isWanted: (name: string) => boolean) {
  const files = Map.groupBy(cases, fileOf);
  const plans: FilePlan[] = [];
  for (const [query, ofFile] of files) {
    const wanted = new Set(ofFile.filter(isWanted));
    if (wanted.size > 0) plans.push({ query, cases: ofFile, wanted });
  }
  return plans;
}

/** What the runner is told to skip, so that it runs only what is wanted: whole tests where it can. */
export function queriesToSkip({ cases, wanted }: FilePlan): string[] {
  const queries: string[] = [];
  for (const [test, ofTest] of Map.groupBy(cases, testOf)) {
    const unwanted = ofTest.filter((name) => !wanted.has(name));
    queries.push(...(unwanted.length === ofTest.length ? [test] : unwanted));
  }
  return queries;
}

/** The same cases for the same seed, whatever else the suite has: about so many of each 100. */
export function isInSample(name: string, percent: number, seed: string): boolean {
  const hash = createHash("sha256").update(`${seed}\n${name}`).digest();
  return hash.readUInt32BE() < (percent / 100) * 2 ** 32;
}
