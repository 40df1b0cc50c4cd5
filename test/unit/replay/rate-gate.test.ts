import { expect, test } from "vitest";
import { RateGate } from "#server/replay/rate-gate.ts";

test("what a second allows may be spent at once; one more waits for its share of a second", () => {
  let now = 0;
  const gate = new RateGate(100, () => now);
  expect(gate.spend(100)).toBe(0);
  expect(gate.spend(1)).toBe(10);
  expect(gate.spend(1)).toBe(20);
  now = 20;
  expect(gate.spend(0)).toBe(0);
  now = 10_000;
  expect(gate.spend(100)).toBe(0);
  expect(gate.spend(100)).toBe(1000);
});

test("another rate counts at once", () => {
  const gate = new RateGate(100, () => 0);
  gate.spend(200);
  gate.rate = 1000;
  expect(gate.spend(0)).toBe(0);
  gate.rate = 50;
  expect(gate.spend(0)).toBe(3000);
});
