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
  { name: "a rise", intervals: times(2, 20), rate: 50 },
  { name: "one early frame", intervals: [33, 10, 33], rate: 30 },
  { name: "a rise over the nominal rate", intervals: times(3, 5), rate: 60 },
  { name: "a fall that does not last", intervals: [...times(2, 20), ...times(19, 40)], rate: 50 },
  { name: "a fall that lasts", intervals: [...times(2, 20), ...times(20, 40)], rate: 25 },
  { name: "a fall below the slowest rate", intervals: times(20, 500), rate: 20 },
  { name: "one long pause", intervals: [...times(4, 20), 60_000, ...times(4, 20)], rate: 50 },
  { name: "two frames at one time", intervals: [0], rate: 30 },
])("the pace after $name is $rate frames a second", ({ intervals, rate }) => {
  expect(pace(...intervals)).toBe(rate);
});

test("a frame's budget is what the link carries until the next", () => {
  expect(frameBudget(6_000_000, 30)).toEqual({ bitrate: 12_000_000, frameBits: 200_000 });
  expect(frameBudget(6_000_000, 60)).toEqual({ bitrate: 6_000_000, frameBits: 100_000 });
});
