import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HostWatch, MAX_WORKER_PROCESSES } from "#server/session/host-watch.ts";

const MIB = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.for([
  {
    what: "all of its profile's memory, and not one byte more",
    within: { residentBytes: 256 * MIB, processes: 1 },
    over: { residentBytes: 256 * MIB + 1, processes: 1 },
    says: "The GPU worker took 257 MiB of memory, over its profile's 256 MiB (hostMemoryMb).",
  },
  {
    what: "so many processes, and not one more",
    within: { residentBytes: 0, processes: MAX_WORKER_PROCESSES },
    over: { residentBytes: 0, processes: MAX_WORKER_PROCESSES + 1 },
    says: "The GPU worker started processes: more than 16 are its.",
  },
])("a worker may take $what; that is told once", ({ within, over, says }) => {
  let use = within;
  const told: string[] = [];
  using _ = new HostWatch(
    256 * MIB,
    () => use,
    (reason) => told.push(reason),
  );
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
  use = over;
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([says]);
});

test("a bound that is lowered counts from the next look", () => {
  const told: string[] = [];
  const look = () => ({ residentBytes: 300 * MIB, processes: 1 });
  using watch = new HostWatch(512 * MIB, look, (reason) => told.push(reason));
  vi.advanceTimersByTime(10_000);
  watch.maxBytes = 256 * MIB;
  expect(told).toEqual([]);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([expect.stringContaining("over its profile's 256 MiB")]);
});

test("once disposed of, it looks no more", () => {
  let looks = 0;
  const look = () => ({ residentBytes: ++looks, processes: 1 });
  new HostWatch(0, look, () => {})[Symbol.dispose]();
  vi.advanceTimersByTime(10_000);
  expect(looks).toBe(0);
});
