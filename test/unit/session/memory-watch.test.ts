import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MemoryWatch } from "#server/session/memory-watch.ts";

const MIB = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a worker may take all of its profile's memory, and not one byte more; that is told once", () => {
  let bytes = 256 * MIB;
  const told: string[] = [];
  using _ = new MemoryWatch(
    256 * MIB,
    () => bytes,
    (reason) => told.push(reason),
  );
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
  bytes++;
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([
    "The GPU worker took 257 MiB of memory, over its profile's 256 MiB (hostMemoryMb).",
  ]);
});

test("once disposed of, it looks no more", () => {
  let looks = 0;
  const watch = new MemoryWatch(
    0,
    () => ++looks,
    () => {},
  );
  watch[Symbol.dispose]();
  vi.advanceTimersByTime(10_000);
  expect(looks).toBe(0);
});
