import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  LIVENESS_EVERY_MS,
  REST_AFTER_MS,
  RestSchedule,
  SHARPEN_EVERY_MS,
  SHARPEN_FRAMES,
} from "#server/worker/rest-schedule.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const unit = (bytes: number, isKeyFrame = false) => ({
  payload: new Uint8Array(bytes),
  budget: 1600,
  isKeyFrame,
});

/** Encodes whenever it is due, each time to so many bytes, and returns the times of it. */
function run(
  bytes: number,
  during: number,
  start: (schedule: RestSchedule) => void = (schedule) => schedule.encoded(unit(1600), false),
): number[] {
  const times: number[] = [];
  const begin = Date.now();
  const schedule: RestSchedule = new RestSchedule(() => {
    expect(schedule.isDue).toBe(true);
    times.push(Date.now() - begin);
    schedule.encoded(unit(bytes), true);
    expect(schedule.isDue).toBe(false);
  });
  start(schedule);
  vi.advanceTimersByTime(during);
  return times;
}

/** The times before the first frame that only shows that the stream lives. */
function sharpening(times: readonly number[]): readonly number[] {
  const end = times.findIndex((time, at) => time - (times[at - 1] ?? 0) >= LIVENESS_EVERY_MS);
  return times.slice(0, end);
}

test("a picture at rest is encoded again so many times, and then now and then", () => {
  const times = run(1600, 60_000);
  expect(sharpening(times)).toHaveLength(SHARPEN_FRAMES);
  const last = times[SHARPEN_FRAMES - 1]!;
  expect(times.slice(SHARPEN_FRAMES, SHARPEN_FRAMES + 2)).toEqual([
    last + LIVENESS_EVERY_MS,
    last + 2 * LIVENESS_EVERY_MS,
  ]);
  expect(times[0]).toBe(REST_AFTER_MS);
  expect(times[1]! - times[0]!).toBe(SHARPEN_EVERY_MS);
});

test.each([
  { bytes: 100, frames: 1 },
  { bytes: 101, frames: SHARPEN_FRAMES },
])("a frame of $bytes bytes of 1600 ends it after $frames frames", ({ bytes, frames }) => {
  expect(sharpening(run(bytes, 60_000))).toHaveLength(frames);
});

test("a picture that moves is not encoded again", () => {
  expect(
    run(1600, 60_000, (schedule) => {
      schedule.encoded(unit(1600), false);
      vi.advanceTimersByTime(REST_AFTER_MS - 1);
      schedule.moved();
    }),
  ).toEqual([]);
});

test("a key frame of a picture at rest begins again, at once", () => {
  const times = run(1600, 60_000, (schedule) => schedule.encoded(unit(1600, true), true));
  expect(sharpening(times)).toHaveLength(SHARPEN_FRAMES);
  expect(times[0]).toBe(SHARPEN_EVERY_MS);
});

test("nothing is due any more once it is stopped", () => {
  let wakes = 0;
  const schedule = new RestSchedule(() => wakes++);
  schedule.encoded(unit(1600), false);
  vi.advanceTimersByTime(REST_AFTER_MS);
  expect([wakes, schedule.isDue]).toEqual([1, true]);
  schedule.stop();
  expect(schedule.isDue).toBe(false);
  vi.advanceTimersByTime(60_000);
  expect(wakes).toBe(1);
});
