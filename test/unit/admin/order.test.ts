import { describe, expect, test } from "vitest";
import { asTheyStood, BY_NAME, inOrder, type Order, pressed } from "#client/admin/order.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { LIVE_REPORT } from "#test/support/live-report.ts";

const { gpuTime: _time, gpuMemory: _memory, ...unmeasured } = LIVE_REPORT;
const named = (name: string, more: Partial<SessionReport> = {}): SessionReport => ({
  ...unmeasured,
  name,
  ...more,
});
const names = (reports: readonly SessionReport[]) => reports.map(({ name }) => name);

describe("sessions stand", () => {
  test.each<[string, Order, readonly SessionReport[], readonly string[]]>([
    [
      "by name as people count",
      BY_NAME,
      [named("desk-10"), named("desk-2"), named("Anna")],
      ["Anna", "desk-2", "desk-10"],
    ],
    [
      "by state with the trouble first and those that rest last",
      { column: 1, descending: false },
      [
        named("a", { state: "paused" }),
        named("b", { state: "live" }),
        named("c", { state: "quarantined" }),
      ],
      ["c", "b", "a"],
    ],
    [
      "by GPU time, the unmeasured as the least",
      { column: 5, descending: true },
      [named("a"), named("b", { gpuTime: 0 }), named("c", { gpuTime: 300 })],
      ["c", "b", "a"],
    ],
    [
      "by errors of all kinds",
      { column: 9, descending: true },
      [
        named("a", { errors: { worker: 0, program: 2, viewer: 0 } }),
        named("b", { errors: { worker: 1, program: 1, viewer: 1 } }),
      ],
      ["b", "a"],
    ],
    [
      "by name where the column says the same, whichever way it goes",
      { column: 7, descending: true },
      [named("b", { programs: 1 }), named("a", { programs: 1 })],
      ["a", "b"],
    ],
  ])("%s", (_name, order, reports, expected) => {
    expect(names(inOrder(reports, order))).toEqual(expected);
  });

  test("as they stood while somebody points at them, with new ones at the end", () => {
    const reports = [named("a"), named("b"), named("c"), named("d")];
    expect(names(asTheyStood(reports, ["d", "b", "gone"]))).toEqual(["d", "b", "a", "c"]);
  });
});

describe("a press on a column's head", () => {
  test.each<[string, Order, number, Order]>([
    ["sorts a figure by the greatest", BY_NAME, 5, { column: 5, descending: true }],
    ["sorts a text by its letters", BY_NAME, 2, { column: 2, descending: false }],
    ["turns the same column", BY_NAME, 0, { column: 0, descending: true }],
    ["turns it back", { column: 0, descending: true }, 0, BY_NAME],
  ])("%s", (_name, before, head, after) => {
    expect(pressed(before, head)).toEqual(after);
  });
});
