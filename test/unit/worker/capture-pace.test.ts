import { describe, expect, test } from "vitest";
import { MAX_ACCESS_UNITS_PER_SECOND } from "#server/media/messages.ts";
import {
  CAPTURE_BURST,
  CapturePace,
  MAX_CAPTURES_PER_SECOND,
} from "#server/worker/capture-pace.ts";

/** Milliseconds at which a capture is taken, of all that are offered so often. */
function taken(pace: CapturePace, offers: { everyMs: number; seconds: number }): number[] {
  const times: number[] = [];
  for (let now = 0; now < offers.seconds * 1000; now += offers.everyMs) {
    if (pace.take(now)) times.push(now);
  }
  return times;
}

describe("the pace of captures", () => {
  test.for([
    { frameRate: 30, most: 33 },
    { frameRate: 60, most: 66 },
    { frameRate: 240, most: MAX_CAPTURES_PER_SECOND },
    { frameRate: Infinity, most: MAX_CAPTURES_PER_SECOND },
  ])(
    "at $frameRate frames a second takes $most of those offered each ms",
    ({ frameRate, most }) => {
      const pace = new CapturePace();
      pace.frameRate = frameRate;
      const { length } = taken(pace, { everyMs: 1, seconds: 10 });
      expect(length).toBeGreaterThan(most * 10 * 0.97);
      expect(length).toBeLessThanOrEqual(most * 10 + CAPTURE_BURST);
    },
  );

  test.for([{ frameRate: 1 }, { frameRate: 60 }, { frameRate: 180 }])(
    "takes all of a program that draws at its $frameRate frames a second",
    ({ frameRate }) => {
      const pace = new CapturePace();
      pace.frameRate = frameRate;
      const offers = { everyMs: 1000 / frameRate, seconds: 20 };
      expect(taken(pace, offers).length).toBeGreaterThanOrEqual(20 * frameRate);
    },
  );

  test("takes so many at once, one more after the wait that it tells, and not before", () => {
    const pace = new CapturePace();
    pace.frameRate = 50;
    const takes = (now: number) => [...Array(CAPTURE_BURST + 1)].map(() => pace.take(now));
    expect(takes(0)).toEqual([...Array<boolean>(CAPTURE_BURST).fill(true), false]);
    const wait = pace.wait(0);
    expect(pace.take(wait - 0.01)).toBe(false);
    expect(pace.take(wait)).toBe(true);
    expect(pace.take(wait)).toBe(false);
  });

  test("takes the first picture of a faster pace at once", () => {
    const pace = new CapturePace();
    pace.frameRate = 1;
    while (pace.take(0)) {
      // Until it owes seconds.
    }
    pace.frameRate = 60;
    expect(pace.take(0)).toBe(true);
  });

  test("leaves room under what a media thread takes of a worker, for repeated pictures", () => {
    expect(MAX_CAPTURES_PER_SECOND + CAPTURE_BURST).toBeLessThan(MAX_ACCESS_UNITS_PER_SECOND - 20);
  });
});
