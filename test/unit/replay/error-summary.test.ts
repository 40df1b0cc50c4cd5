import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ReportedError } from "#server/replay/error-scopes.ts";
import { ErrorSummary, SUMMARY_INTERVAL_MS } from "#server/replay/error-summary.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("errors that came too fast are told together, each type with its count and its last", () => {
  const told: ReportedError[] = [];
  const summary = new ErrorSummary((error) => told.push(error));
  for (let count = 1; count <= 5; count++)
    summary.add({ type: "validation", message: `no ${count}` });
  summary.add({ type: "out-of-memory", message: "alone" });
  vi.advanceTimersByTime(SUMMARY_INTERVAL_MS - 1);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([
    {
      type: "validation",
      message: "5 errors came too fast to be told one by one. The last: no 5",
    },
    { type: "out-of-memory", message: "alone" },
  ]);
  vi.advanceTimersByTime(10 * SUMMARY_INTERVAL_MS);
  expect(told).toHaveLength(2);
});

test("once closed, nothing is told", () => {
  const told: ReportedError[] = [];
  const summary = new ErrorSummary((error) => told.push(error));
  summary.add({ type: "validation", message: "late" });
  summary.close();
  vi.advanceTimersByTime(SUMMARY_INTERVAL_MS);
  expect(told).toEqual([]);
});
