import { createHash } from "node:crypto";
import { fileOf } from "./case-name.ts";

/** One run of the suite's runner, which takes one query: the cases of a file. */
export type FilePlan = {
  readonly query: string;
  /** Those of the query's that are to run, in their order. */
  readonly wanted: ReadonlySet<string>;
};

/** Keeps the order. Files of which nothing is wanted are left out. */
export function planFiles(cases: readonly string[], isWanted: (name: string) => boolean) {
  const files = Map.groupBy(cases.filter(isWanted), fileOf);
  return [...files].map(([query, ofFile]): FilePlan => ({ query, wanted: new Set(ofFile) }));
}

/** The same cases for the same seed, whatever else the suite has: about so many of each 100. */
export function isInSample(name: string, percent: number, seed: string): boolean {
  const hash = createHash("sha256").update(`${seed}\n${name}`).digest();
  return hash.readUInt32BE() < (percent / 100) * 2 ** 32;
}
