import type { Percentiles, Spread } from "./statistics.ts";

type Target = { readonly atMost: number } | { readonly atLeast: number };

/** One number of a suite's result. */
export type Figure = {
  /** The path of its key in the JSON object, e.g. "click_to_photon_ms.p50". */
  readonly key: string;
  readonly value: number;
  /** Lowest and highest of what the value is the median, or the percentile, of. */
  readonly min: number;
  readonly max: number;
  /** How many rounds or samples there were. */
  readonly count: number;
  readonly target?: Target;
};

export function medianFigure(key: string, spread: Spread, target?: Target): Figure {
  const { median, min, max, rounds } = spread;
  const figure = { key, value: median, min, max, count: rounds };
  return target === undefined ? figure : { ...figure, target };
}

export function percentileFigures(
  key: string,
  samples: readonly number[],
  percentiles: Percentiles,
  targets: Partial<Record<keyof Percentiles, Target>> = {},
): Figure[] {
  const min = Math.min(...samples);
  const max = Math.max(...samples);
  return (["p50", "p95", "p99"] as const).map((name) => {
    const value = percentiles[name];
    const figure = { key: `${key}.${name}`, value, min, max, count: samples.length };
    const target = targets[name];
    return target === undefined ? figure : { ...figure, target };
  });
}

function meetsTarget({ value, target }: Figure): boolean {
  if (target === undefined) return true;
  return "atMost" in target ? value <= target.atMost : value >= target.atLeast;
}

/** The suite's keys with their values, and beside them the spread of each. */
export function toJson(figures: readonly Figure[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const spread: Record<string, unknown> = {};
  for (const { key, value, min, max, count } of figures) {
    const [first, second] = key.split(".");
    if (second === undefined) values[key] = rounded(value);
    else values[first!] = { ...asRecord(values[first!]), [second]: rounded(value) };
    spread[key] = { min: rounded(min), max: rounded(max), count };
  }
  return { ...values, spread, missed: figures.filter((each) => !meetsTarget(each)).map(keyOf) };
}

/** For people. */
export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.key,
    shown(figure.value),
    `${shown(figure.min)} .. ${shown(figure.max)}`,
    String(figure.count),
    targetText(figure),
  ]);
  const all = [["", "value", "min .. max", "of", "target"], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...all.map((row) => row[column]!.length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === 4
            ? cell.padEnd(widths[column]!)
            : cell.padStart(widths[column]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function targetText(figure: Figure): string {
  const { target } = figure;
  if (target === undefined) return "";
  const text = "atMost" in target ? `<= ${target.atMost}` : `>= ${target.atLeast}`;
  return meetsTarget(figure) ? text : `${text}  MISSED`;
}

function keyOf({ key }: Figure): string {
  return key;
}

function asRecord(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function shown(value: number): string {
  return String(rounded(value));
}

/** Four digits are more than the spread lets one believe. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
