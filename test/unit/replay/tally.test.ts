import { expect, test } from "vitest";
import { Tally } from "#server/replay/tally.ts";

test("a tally tells what happened since it was last asked, and nothing of what did not", () => {
  const tally = new Tally();
  expect(tally.take()).toEqual({});
  tally.count("compiles");
  tally.count("compiles");
  tally.count("lost_devices");
  expect(tally.take()).toEqual({ compiles: 2, lost_devices: 1 });
  expect(tally.take()).toEqual({});
});
