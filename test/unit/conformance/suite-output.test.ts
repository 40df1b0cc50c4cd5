import { expect, test } from "vitest";
import type { Result } from "#test/conformance/results.ts";
import { SuiteOutput } from "#test/conformance/suite-output.ts";

function read(lines: readonly string[]): Result[] {
  const results: Result[] = [];
  const output = new SuiteOutput((result) => results.push(result));
  for (const line of lines) output.line(line);
  output.end();
  return results;
}

test("A case is read with what it logged, unless it passed.", () => {
  expect(
    read([
      "a line of the suite's own",
      '[pass] webgpu:a:b:x="(1)" (1.5ms). Log:',
      "  - INFO: subcase: y=1",
      "[fail] webgpu:a:b:x=2 (20ms). Log:",
      "  - EXPECTATION FAILED: 1 is not 2",
      "    at file.js",
      "",
      "warning: a word of Dawn's[skip] webgpu:a:c: (0ms). Log:",
      "warning: another** Failures **",
      "[fail] webgpu:a:b:x=2 (20ms). Log:",
    ]),
  ).toEqual([
    { name: 'webgpu:a:b:x="(1)"', status: "pass", milliseconds: 1.5 },
    {
      name: "webgpu:a:b:x=2",
      status: "fail",
      milliseconds: 20,
      log: "  - EXPECTATION FAILED: 1 is not 2\n    at file.js",
    },
    { name: "webgpu:a:c:", status: "skip", milliseconds: 0 },
  ]);
});

test("Of a long log the beginning is kept.", () => {
  const [result] = read(["[fail] webgpu:a:b: (1ms). Log:", ...Array(100).fill("x".repeat(100))]);
  expect(result?.log).toHaveLength(2000);
});

test("The case that has begun and has no result is under way, and what is printed meanwhile is no other's log.", () => {
  const results: Result[] = [];
  const output = new SuiteOutput((result) => results.push(result));
  output.line("[begin] webgpu:a:b:");
  expect(output.underWay).toBe("webgpu:a:b:");
  output.line("[fail] webgpu:a:b: (1ms). Log:");
  output.line("  - EXPECTATION FAILED");
  expect(output.underWay).toBeUndefined();
  output.line("warning: a word of Dawn's[begin] webgpu:a:c:");
  output.line("warning: another");
  expect(output.underWay).toBe("webgpu:a:c:");
  expect(results).toEqual([
    { name: "webgpu:a:b:", status: "fail", milliseconds: 1, log: "  - EXPECTATION FAILED" },
  ]);
});
