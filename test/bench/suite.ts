import type { Figure } from "./figures.ts";

export type SuiteOptions = {
  /** A look at whether all still works; its figures are too few to compare. */
  readonly isQuick: boolean;
  /** Of what goes on for long; absent: as the suite thinks right. */
  readonly minutes: number | undefined;
  /** The suite's parts to be run; empty: all. */
  readonly only: readonly string[];
  /** Tells people how it goes. */
  readonly say: (line: string) => void;
};

export type Suite = {
  /** What can be run alone. */
  readonly parts: readonly string[];
  readonly run: (options: SuiteOptions) => Promise<Figure[]>;
};
