import { expect, test } from "vitest";
import { caseSeed, Random } from "./random.ts";
import { shrink } from "./shrink.ts";

const LIST = Array.from({ length: 40 }, (_, index) => index);

test.for([
  { what: "one message", needed: [17] },
  { what: "the first and the last", needed: [0, 39] },
  { what: "three that are apart", needed: [3, 20, 31] },
  { what: "none at all", needed: [] },
])("a failure that takes $what is shrunk to it", async ({ needed }) => {
  const fails = async (list: readonly number[]): Promise<boolean> =>
    needed.every((each) => list.includes(each));
  expect(await shrink(LIST, fails, 1000)).toEqual(needed);
});

test("no more attempts are made than are allowed", async () => {
  let attempts = 0;
  const fails = async (list: readonly number[]): Promise<boolean> => {
    attempts++;
    return list.includes(17);
  };
  const shortest = await shrink(LIST, fails, 3);
  expect(attempts).toBe(3);
  expect(shortest.length).toBeLessThan(LIST.length);
});

function choices(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 5 }, () => random.below(1000));
}

test("a seed makes the same choices each time, and another makes others", () => {
  expect(choices(caseSeed(7, 3))).toEqual(choices(caseSeed(7, 3)));
  expect(choices(caseSeed(7, 3))).not.toEqual(choices(caseSeed(7, 4)));
  expect(choices(caseSeed(7, 3))).not.toEqual(choices(caseSeed(8, 3)));
});
