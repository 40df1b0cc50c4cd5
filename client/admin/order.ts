import type { SessionReport } from "#shared/admin/session-report.ts";
import { moodOf } from "./figures.ts";

// In which order sessions stand in the table. No DOM here.

export type Order = { readonly column: number; readonly descending: boolean };

type Key = (report: SessionReport) => string | number;

/** What is not well comes first, and what rests last. */
const MOOD_RANKS = { trouble: 0, well: 1, quiet: 2 } as const;

/** In the order of the table's columns. What nobody measures is less than nothing. */
const KEYS: readonly Key[] = [
  ({ name }) => name,
  (report) => `${MOOD_RANKS[moodOf(report)]} ${report.state}`,
  ({ profile }) => profile,
  ({ frameRate }) => frameRate,
  ({ bitrate }) => bitrate,
  ({ gpuTime }) => gpuTime ?? -1,
  ({ gpuMemory }) => gpuMemory ?? -1,
  ({ programs }) => programs,
  ({ viewers }) => viewers,
  ({ errors }) => errors.worker + errors.program + errors.viewer,
];
const FIRST_FIGURE = 3;

export const BY_NAME: Order = { column: 0, descending: false };

/** The order after a press on a column's head: of a figure the greatest first, and the other way on a second press. */
export function pressed({ column, descending }: Order, head: number): Order {
  return { column: head, descending: column === head ? !descending : head >= FIRST_FIGURE };
}

/** Sorted, and by name where the column says the same: "desk-2" before "desk-10". */
export function inOrder(
  reports: readonly SessionReport[],
  { column, descending }: Order,
): readonly SessionReport[] {
  const key = KEYS[column] ?? KEYS[0]!;
  const sign = descending ? -1 : 1;
  return reports.toSorted((a, b) => sign * compare(key(a), key(b)) || compare(a.name, b.name));
}

/** In the order in which they stood; who was not there stands at the end. */
export function asTheyStood(
  reports: readonly SessionReport[],
  names: readonly string[],
): readonly SessionReport[] {
  const places = new Map(names.map((name, index) => [name, index]));
  const place = ({ name }: SessionReport): number => places.get(name) ?? names.length;
  return reports.toSorted((a, b) => place(a) - place(b) || compare(a.name, b.name));
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
