import { once } from "node:events";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { limitRate } from "#server/session/limited-stream.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** Resolves once the bytes were read. */
async function pass(stream: PassThrough, bytes: number): Promise<void> {
  const read = once(stream, "data");
  stream.write(Buffer.alloc(bytes));
  await read;
}

test("a second lets the limit pass, and rests after one byte more until it is over", async () => {
  let now = 0;
  const stream = new PassThrough();
  limitRate(stream, 100, () => now);
  await pass(stream, 100);
  expect(stream.isPaused()).toBe(false);
  now = 400;
  await pass(stream, 1);
  expect(stream.isPaused()).toBe(true);
  vi.advanceTimersByTime(599);
  expect(stream.isPaused()).toBe(true);
  now = 1000;
  vi.advanceTimersByTime(1);
  expect(stream.isPaused()).toBe(false);
  await pass(stream, 100); // The next second has as much room.
  expect(stream.isPaused()).toBe(false);
});
