import { expect, test } from "vitest";
import { FramePace, frameBudget } from "#server/encode/frame-budget.ts";

/** The pace after frames with these intervals (milliseconds). */
function pace(...intervals: number[]): number {
  const frames = new FramePace();
  let time = 1000;
  frames.note(time);
  for (const interval of intervals) frames.note((time += interval));
  return Math.round(frames.frameRate);
}

const times = (count: number, interval: number) => Array<number>(count).fill(interval);

test.each([
  { name: "nothing known", intervals: [], rate: 30 },
  { name: "a rise", intervals: times(4, 20), rate: 50 },
  { name: "a late frame and an early one", intervals: [33, 50, 17, 33, 33], rate: 30 },
  { name: "a pause and frames that catch up", intervals: [...times(4, 33), 100, 8, 8], rate: 34 },
  { name: "a rise over the nominal rate", intervals: times(4, 5), rate: 60 },
  { name: "a fall that does not last", intervals: [...times(4, 20), ...times(19, 40)], rate: 50 },
  { name: "a fall that lasts", intervals: [...times(4, 20), ...times(23, 40)], rate: 25 },
  { name: "a fall below the slowest rate", intervals: times(24, 500), rate: 20 },
  { name: "one long pause", intervals: [...times(4, 20), 60_000, ...times(4, 20)], rate: 50 },
  { name: "changes too small to follow", intervals: times(30, 31), rate: 30 },
])("the pace after $name is $rate frames a second", ({ intervals, rate }) => {
  expect(pace(...intervals)).toBe(rate);
});

test("a frame's budget is what the link carries until the next", () => {
  expect(frameBudget(6_000_000, 30)).toEqual({ bitrate: 12_000_000, frameBits: 200_000 });
  expect(frameBudget(6_000_000, 60)).toEqual({ bitrate: 6_000_000, frameBits: 100_000 });
});
