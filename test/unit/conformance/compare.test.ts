import { describe, expect, test } from "vitest";
import {
  differences,
  isRegression,
  passesDirectlyOnly,
  toTable,
  totals,
} from "#test/conformance/compare.ts";
import type { Result, Status } from "#test/conformance/results.ts";

const NAME = "webgpu:idl,a:b:";

function result(name: string, status: Status): Result {
  return { name, status, milliseconds: 1 };
}

function runs(statuses: readonly Status[]): Map<string, Result[]> {
  return new Map([[NAME, statuses.map((status) => result(NAME, status))]]);
}

function compared(direct: Status, guest: Status, again?: readonly [Status[], Status[]]) {
  return differences({
    direct: new Map([[NAME, result(NAME, direct)]]),
    guest: new Map([[NAME, result(NAME, guest)]]),
    directAgain: runs(again?.[0] ?? []),
    guestAgain: runs(again?.[1] ?? []),
  });
}

describe("a case", () => {
  test.each<[Status, Status]>([
    ["pass", "pass"],
    ["pass", "warn"],
    ["fail", "ended"],
    ["skip", "skip"],
  ])("with %s and %s does not differ", (direct, guest) => {
    expect(compared(direct, guest)).toEqual([]);
  });

  test.each<[Status, Status, readonly [Status[], Status[]] | undefined, boolean]>([
    ["pass", "fail", undefined, true],
    ["pass", "skip", undefined, true],
    ["pass", "hung", undefined, true],
    ["fail", "pass", undefined, false],
    [
      "pass",
      "fail",
      [
        ["pass", "pass", "pass"],
        ["fail", "fail", "fail"],
      ],
      true,
    ],
    [
      "pass",
      "fail",
      [
        ["pass", "pass", "pass"],
        ["pass", "pass", "pass"],
      ],
      false,
    ],
    [
      "pass",
      "fail",
      [
        ["fail", "fail", "pass"],
        ["fail", "fail", "fail"],
      ],
      false,
    ],
    [
      "fail",
      "pass",
      [
        ["pass", "pass", "pass"],
        ["fail", "fail", "pass"],
      ],
      true,
    ],
    // The last runs count: those before were made before the fault was mended.
    [
      "pass",
      "fail",
      [
        ["pass", "pass", "pass"],
        ["fail", "fail", "pass", "pass", "pass"],
      ],
      false,
    ],
  ])("with %s and %s, then %j: is it a regression? %s", (direct, guest, again, expected) => {
    expect(compared(direct, guest, again).map(isRegression)).toEqual([expected]);
  });
});

test.each<[Status | undefined, Status, boolean]>([
  ["pass", "pass", false],
  ["pass", "warn", false],
  ["pass", "fail", true],
  ["warn", "skip", true],
  ["skip", "fail", false],
  [undefined, "fail", false],
])("%s directly and %s as a guest: is it to be mended? %s", (direct, guest, expected) => {
  expect(passesDirectlyOnly(direct, guest)).toBe(expected);
});

test("Totals count, group by group, what ran both ways, and its time.", () => {
  const other = "webgpu:idl,a:c:";
  const direct: Result[] = [
    { name: NAME, status: "pass", milliseconds: 1400 },
    { name: other, status: "skip", milliseconds: 700 },
    result("webgpu:api,operation,a:b:", "fail"),
  ];
  const guest: Result[] = [
    { name: NAME, status: "ended", milliseconds: -1 },
    { name: other, status: "skip", milliseconds: 4000 },
    result("webgpu:api,validation,a:b:", "pass"),
  ];
  const all = totals({
    direct: new Map(direct.map((each) => [each.name, each])),
    guest: new Map(guest.map((each) => [each.name, each])),
  });
  expect(toTable(all).split("\n")).toEqual([
    "| group | cases | pass direct | pass guest | skip direct | skip guest | fail direct | fail guest | s direct | s guest |",
    "|---|---|---|---|---|---|---|---|---|---|",
    "| idl | 2 | 1 | 0 | 1 | 1 | 0 | 1 | 2 | 4 |",
  ]);
});
