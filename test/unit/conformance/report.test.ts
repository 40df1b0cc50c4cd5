import { expect, test } from "vitest";
import type { Result, Status } from "#test/conformance/results.ts";
import { reportOf } from "#test/conformance/report.ts";

const nameOf = (which: string) => `webgpu:idl,a:${which}:`;

function results(statuses: Readonly<Record<string, Status>>): Map<string, Result> {
  return new Map(
    Object.entries(statuses).map(([which, status]) => [
      nameOf(which),
      { name: nameOf(which), status, milliseconds: 1 },
    ]),
  );
}

/** Three runs each. */
function again(statuses: Readonly<Record<string, Status>>): Map<string, Result[]> {
  return new Map([...results(statuses)].map(([name, result]) => [name, [result, result, result]]));
}

test("all that differs is told by name, and how much ran", () => {
  const direct = results({
    right: "pass",
    wrong: "pass",
    once: "warn",
    left: "skip",
    more: "fail",
  });
  const guest = results({ right: "warn", wrong: "skip", once: "hung", left: "pass", more: "fail" });
  const cases = new Set([...direct.keys(), nameOf("neither")]);
  direct.set(nameOf("other"), { name: nameOf("other"), status: "pass", milliseconds: 1 });
  guest.set(nameOf("other"), { name: nameOf("other"), status: "fail", milliseconds: 1 });
  const { text, regressions } = reportOf(cases, {
    direct,
    guest,
    directAgain: again({ once: "pass" }),
    guestAgain: again({ once: "pass" }),
  });
  expect(regressions).toBe(1);
  expect(text.split("\n").slice(2)).toEqual([
    "| idl | 5 | 3 | 2 | 1 | 1 | 1 | 2 | 0 | 0 |",
    "",
    "5 of 6 cases ran both ways",
    "",
    "1 cases pass directly and not as a guest",
    "  webgpu:idl,a:wrong:",
    "",
    "1 cases did so, and not when they were run again",
    "  webgpu:idl,a:once: (again: 3 and 3 of 3)",
    "",
    "1 cases skip directly and pass as a guest",
    "  webgpu:idl,a:left:",
    "",
  ]);
});

test("where nothing differs, that is said", () => {
  const both = { direct: results({ a: "pass" }), guest: results({ a: "pass" }) };
  const none = { directAgain: again({}), guestAgain: again({}) };
  const { text, regressions } = reportOf(new Set([nameOf("a")]), { ...both, ...none });
  expect(regressions).toBe(0);
  expect(text).toContain(
    "1 of 1 cases ran both ways\n\n0 cases pass directly and not as a guest\n",
  );
});
