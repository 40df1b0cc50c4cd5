import {
  type Difference,
  differences,
  isRegression,
  type Runs,
  RUNS_AGAIN,
  toTable,
  totals,
} from "./compare.ts";

export type Report = {
  readonly text: string;
  /** Cases that pass directly and not as a guest. */
  readonly regressions: number;
};

/** What ran of the cases, and all that differs. */
export function reportOf(cases: ReadonlySet<string>, all: Runs): Report {
  const direct = new Map([...all.direct].filter(([name]) => cases.has(name)));
  const counted = totals({ direct, guest: all.guest });
  const both = counted.reduce((sum, each) => sum + each.cases, 0);
  const kinds = Map.groupBy(differences({ ...all, direct }), kindOf);
  const regressions = kinds.get(REGRESSION) ?? [];
  kinds.delete(REGRESSION);
  const lists = [list(REGRESSION, regressions), ...[...kinds].map((each) => list(...each))];
  const text = [toTable(counted), `${both} of ${cases.size} cases ran both ways`, ...lists];
  return { text: `${text.join("\n\n")}\n`, regressions: regressions.length };
}

const REGRESSION = "pass directly and not as a guest";

function kindOf(difference: Difference): string {
  if (isRegression(difference)) return REGRESSION;
  const { direct, guest } = difference;
  // By chance, or for what ran before it in its process: alone it did what it does directly.
  if (direct === "pass") return "did so, and not when they were run again";
  return `${direct} directly and ${guest} as a guest`;
}

function list(kind: string, all: readonly Difference[]): string {
  const lines = all.map(({ name, again }) =>
    again === undefined
      ? `  ${name}`
      : `  ${name} (again: ${again.direct} and ${again.guest} of ${RUNS_AGAIN})`,
  );
  return [`${all.length} cases ${kind}`, ...lines].join("\n");
}
