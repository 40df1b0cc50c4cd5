import { describe, expect, test } from "vitest";
import { fileOf, groupOf } from "#test/conformance/case-name.ts";
import { isInSample, planFiles } from "#test/conformance/plan.ts";

const SIZE = 'webgpu:api,operation,buffers,map:size:size=0;mode="read: all"';
const RANGE = "webgpu:api,operation,buffers,map:range:";
const RANGE_2 = "webgpu:api,operation,buffers,map:range,empty:";
const FLAGS = "webgpu:idl,constants,flags:BufferUsage,count:";
const ALL = [SIZE, RANGE, RANGE_2, FLAGS];

describe("the name of a case", () => {
  test.each([
    [SIZE, "webgpu:api,operation,buffers,map:*", "api,operation"],
    [FLAGS, "webgpu:idl,constants,flags:*", "idl"],
  ])("%s names its file and group", (name, file, group) => {
    expect([fileOf(name), groupOf(name)]).toEqual([file, group]);
  });
});

test("A plan has one run for each file, in order, and none where nothing is wanted.", () => {
  const plans = planFiles(ALL, (name) => name !== FLAGS && name !== RANGE);
  expect(plans.map(({ query }) => query)).toEqual(["webgpu:api,operation,buffers,map:*"]);
  expect([...plans[0]!.wanted]).toEqual([SIZE, RANGE_2]);
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
