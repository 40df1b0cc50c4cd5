import { describe, expect, test } from "vitest";
import { fileOf, groupOf, testOf } from "#test/conformance/case-name.ts";
import { isInSample, planFiles, queriesToSkip } from "#test/conformance/plan.ts";

const SIZE = 'webgpu:api,operation,buffers,map:size:size=0;mode="read: all"';
const RANGE = "webgpu:api,operation,buffers,map:range:";
const RANGE_2 = "webgpu:api,operation,buffers,map:range,empty:";
const FLAGS = "webgpu:idl,constants,flags:BufferUsage,count:";
const ALL = [SIZE, RANGE, RANGE_2, FLAGS];

describe("the name of a case", () => {
  test.each([
    [
      SIZE,
      "webgpu:api,operation,buffers,map:*",
      "webgpu:api,operation,buffers,map:size:*",
      "api,operation",
    ],
    [
      FLAGS,
      "webgpu:idl,constants,flags:*",
      "webgpu:idl,constants,flags:BufferUsage,count:*",
      "idl",
    ],
  ])("%s names its file, test and group", (name, file, ofTest, group) => {
    expect([fileOf(name), testOf(name), groupOf(name)]).toEqual([file, ofTest, group]);
  });
});

describe("a plan", () => {
  test("has one run for each file, in order, and none where nothing is wanted", () => {
    const plans = planFiles(ALL, (name) => name !== FLAGS);
    expect(plans.map(({ query }) => query)).toEqual(["webgpu:api,operation,buffers,map:*"]);
    expect(plans[0]?.cases).toEqual([SIZE, RANGE, RANGE_2]);
  });

  test.each([
    ["nothing where all is wanted", [SIZE, RANGE, RANGE_2], []],
    ["whole tests of which nothing is wanted", [SIZE], [testOf(RANGE), testOf(RANGE_2)]],
  ])("skips %s", (_, wanted, skipped) => {
    const [plan] = planFiles(ALL, (name) => wanted.includes(name));
    expect(queriesToSkip(plan!)).toEqual(skipped);
  });

  test("skips single cases of a test that is wanted in part", () => {
    const cases = ["webgpu:a:b:x=1", "webgpu:a:b:x=2", "webgpu:a:c:"];
    const [plan] = planFiles(cases, (name) => name !== "webgpu:a:b:x=1");
    expect(queriesToSkip(plan!)).toEqual(["webgpu:a:b:x=1"]);
  });
});

describe("a sample", () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `webgpu:a:b:x=${index}`);
  const sample = (seed: string): string[] => names.filter((name) => isInSample(name, 1, seed));

  test("has about as many cases as asked for", () => {
    expect(sample("1").length).toBeGreaterThan(60);
    expect(sample("1").length).toBeLessThan(140);
  });

  test("is the same for the same seed, and another for another", () => {
    expect(sample("1")).toEqual(sample("1"));
    expect(sample("1")).not.toEqual(sample("2"));
  });
});
