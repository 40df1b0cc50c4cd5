import { expect, test } from "vitest";
import {
  MAX_OUTPUT_LINE,
  MAX_OUTPUT_LINES_PER_SECOND,
  WorkerOutput,
} from "#server/session/worker-output.ts";

test("lines are cut out of what comes in pieces", () => {
  const output = new WorkerOutput();
  expect(output.push("one\ntw")).toEqual(["one"]);
  expect(output.push("o\n\n  \nthree")).toEqual(["two"]);
  expect(output.last).toBe("two");
  expect(output.push("\n")).toEqual(["three"]);
});

test("what would move a terminal's cursor is left out of a line", () => {
  const output = new WorkerOutput();
  expect(output.push("a\u001B[2Jb\rc\n  at d\n")).toEqual(["a [2Jb c", "  at d"]);
  expect(output.last).toBe("  at d");
});

test("a line that never ends is held up to the limit", () => {
  const output = new WorkerOutput();
  for (let count = 0; count < 100; count++) output.push("x".repeat(1000));
  expect(output.push("\nnext\n")).toEqual(["x".repeat(MAX_OUTPUT_LINE), "next"]);
});

test("a second passes the limit of lines, and remembers the last of the others", () => {
  let now = 0;
  const output = new WorkerOutput(() => now);
  const lines = Array.from(
    { length: MAX_OUTPUT_LINES_PER_SECOND + 1 },
    (_, line) => `line ${line}`,
  );
  expect(output.push(`${lines.join("\n")}\n`)).toEqual(lines.slice(0, -1));
  expect(output.last).toBe(lines.at(-1));
  now = 1_000;
  expect(output.push("again\n")).toEqual(["again"]);
});
