import { expect, test } from "vitest";
import { RestartBackoff } from "#server/session/restart-backoff.ts";

test("each failure doubles the wait, up to ten seconds", () => {
  const backoff = new RestartBackoff();
  const waits: number[] = [];
  for (let failures = 0; failures < 8; failures++) {
    waits.push(backoff.delay(0));
    backoff.started(0);
    backoff.failed(0);
  }
  expect(waits).toEqual([0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
});

test("time that has passed counts", () => {
  const backoff = new RestartBackoff();
  backoff.started(0);
  backoff.failed(100);
  expect(backoff.delay(300)).toBe(50);
  expect(backoff.delay(1_000)).toBe(0);
});

test("failures are remembered until a worker could have lived well", () => {
  const backoff = new RestartBackoff();
  expect(backoff.remembered(0)).toBe(0);
  backoff.started(0);
  backoff.failed(100);
  expect(backoff.remembered(100)).toBe(30_250);
  expect(backoff.remembered(30_349)).toBe(1);
  expect(backoff.remembered(30_350)).toBe(0);
});

test.for([
  { lived: 29_999, wait: 500 },
  { lived: 30_000, wait: 250 },
])("after a worker that lived $lived ms the wait is $wait ms", ({ lived, wait }) => {
  const backoff = new RestartBackoff();
  backoff.started(0);
  backoff.failed(0);
  backoff.started(0);
  backoff.failed(lived);
  expect(backoff.delay(lived)).toBe(wait);
});
