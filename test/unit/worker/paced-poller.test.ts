import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { installPacedPoller, PacedPoller } from "#server/worker/paced-poller.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Polls again and again, as Dawn does while anything is pending, and keeps the times. */
function keepPolling(poller: PacedPoller): number[] {
  const times: number[] = [];
  const poll = (): void => {
    times.push(performance.now());
    poller.schedule(poll);
  };
  poller.schedule(poll);
  return times;
}

test("polls each millisecond after work was handed over, then ever slower", () => {
  const poller = new PacedPoller();
  poller.workHandedOver();
  const times = keepPolling(poller);
  vi.advanceTimersByTime(10);
  expect(times.length).toBe(10);
  vi.advanceTimersByTime(1990);
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  expect(gaps.at(-1)).toBe(16);
  expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps);
  expect(poller.polls).toBe(times.length);
});

test("what waits adds at most a twenty-fifth to any wait over 25 ms", () => {
  const poller = new PacedPoller();
  poller.workHandedOver();
  const times = keepPolling(poller);
  vi.advanceTimersByTime(1000);
  const late = times.filter((time, index) => {
    const previous = times[index - 1] ?? 0;
    return time - previous > Math.max(1, previous / 25);
  });
  expect(times.length).toBeGreaterThan(50);
  expect(late).toEqual([]);
});

test("new work brings the next poll forward", () => {
  const poller = new PacedPoller();
  const times = keepPolling(poller);
  vi.advanceTimersByTime(5000);
  const slow = times.length;
  poller.workHandedOver();
  vi.advanceTimersByTime(1);
  expect(times.length).toBe(slow + 1);
});

test("a poll that the event loop had no turn for comes with the next work, and once", () => {
  const poller = new PacedPoller();
  const times = keepPolling(poller);
  const began = performance.now();
  const clock = vi.spyOn(performance, "now");
  const expected = [
    [0, 0],
    [1, 0], // It is due, and not late.
    [1.9, 0],
    [2, 1],
    [2.5, 1],
    [42, 2],
    [42.1, 2],
  ] as const;
  for (const [time, polls] of expected) {
    clock.mockReturnValue(began + time);
    poller.workHandedOver();
    expect(times.length, `polls at ${time} ms`).toBe(polls);
  }
  vi.advanceTimersByTime(1);
  expect(times.length).toBe(3);
  expect(poller.polls).toBe(3);
});

describe("setImmediate of the process", () => {
  const original = globalThis.setImmediate;
  afterEach(() => {
    globalThis.setImmediate = original;
  });

  test("stays what it was for JavaScript, with arguments and clearImmediate", async () => {
    const poller = new PacedPoller();
    installPacedPoller(poller);
    const given = await new Promise((resolve) => {
      clearImmediate(setImmediate(resolve, "cleared"));
      setImmediate(resolve, "kept");
    });
    expect(given).toBe("kept");
    vi.advanceTimersByTime(100);
    expect(poller.polls).toBe(0);
  });
});
