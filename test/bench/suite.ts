import type { Figure } from "./figures.ts";

export type SuiteOptions = {
  /** A look at whether all still works; its figures are too few to compare. */
  readonly isQuick: boolean;
  readonly minutes: number;
  /** Tells people how it goes. */
  readonly say: (line: string) => void;
};

export type Suite = (options: SuiteOptions) => Promise<Figure[]>;
