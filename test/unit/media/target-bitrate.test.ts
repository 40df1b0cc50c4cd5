import { describe, expect, test } from "vitest";
import { DEFAULT_BITRATES } from "#server/media/messages.ts";
import {
  COUNT_AGAIN_MS,
  LEAVE_OUT_MS,
  TargetBitrate,
  type Watching,
} from "#server/media/target-bitrate.ts";

const { min, max, start } = DEFAULT_BITRATES;
const SHARE = 0.95;

const operator = (estimate: number, viewer = "operator"): Watching => ({
  viewer,
  control: true,
  estimate,
});
const watcher = (estimate: number, viewer = "watcher"): Watching => ({
  viewer,
  control: false,
  estimate,
});

/** Time passes in which these do not change, looked at once a second. */
function pass(target: TargetBitrate, all: readonly Watching[], from: number, ms: number): void {
  for (let now = from; now <= from + ms; now += 1000) target.update(all, DEFAULT_BITRATES, now);
}

describe("the target at once", () => {
  test.for<{ what: string; all: Watching[]; is: number }>([
    { what: "without viewers is the start", all: [], is: start },
    { what: "is all, where one takes all", all: [operator(max)], is: max },
    { what: "leaves room beside the picture", all: [operator(4e6)], is: 4e6 * SHARE },
    { what: "is never under the least", all: [operator(min)], is: min },
    {
      what: "is the least of those in control",
      all: [operator(8e6), operator(2e6, "b")],
      is: 2e6 * SHARE,
    },
    {
      what: "is what who watches takes, down to a quarter",
      all: [operator(8e6), watcher(2e6)],
      is: 2e6 * SHARE,
    },
    {
      what: "is a quarter where who watches takes less",
      all: [operator(8e6), watcher(2e6 - 1)],
      is: 2e6 * SHARE,
    },
    {
      what: "is the operator's, who takes less",
      all: [operator(1e6), watcher(max)],
      is: 1e6 * SHARE,
    },
    {
      what: "is the least of those who watch where nobody is in control",
      all: [watcher(8e6), watcher(1e6, "b")],
      is: 1e6 * SHARE,
    },
  ])("$what", ({ all, is }) => {
    expect(new TargetBitrate().of(all, DEFAULT_BITRATES)).toBe(is);
  });
});

describe("in time", () => {
  test.for<{ what: string; all: Watching[]; leavesOut: string[] }>([
    {
      what: "who watches, a quarter of the operator's",
      all: [operator(8e6), watcher(2e6)],
      leavesOut: [],
    },
    {
      what: "who watches, less than that",
      all: [operator(8e6), watcher(2e6 - 1)],
      leavesOut: ["watcher"],
    },
    {
      what: "an operator at the least, beside who only watches",
      all: [operator(min), watcher(max)],
      leavesOut: [],
    },
    {
      what: "an operator at the least, beside another",
      all: [operator(min), operator(max, "b")],
      leavesOut: ["operator"],
    },
    {
      what: "an operator just over the least",
      all: [operator(min + 1), operator(max, "b")],
      leavesOut: [],
    },
    {
      what: "one at the least of those who watch",
      all: [watcher(min), watcher(max, "b")],
      leavesOut: ["watcher"],
    },
    {
      what: "all, who are at the least",
      all: [operator(min), watcher(min), watcher(min, "b")],
      leavesOut: [],
    },
  ])("$what: left out is $leavesOut", ({ all, leavesOut }) => {
    const target = new TargetBitrate();
    const leftOut = () => all.map(({ viewer }) => viewer).filter((each) => target.isLeftOut(each));
    pass(target, all, 0, LEAVE_OUT_MS - 1000);
    expect(leftOut()).toEqual([]);
    pass(target, all, LEAVE_OUT_MS, 0);
    expect(leftOut()).toEqual(leavesOut);
  });

  test("the picture is the operator's again, and who was left out counts only after a minute of being fine", () => {
    const target = new TargetBitrate();
    const slow = [operator(8e6), watcher(min)];
    pass(target, slow, 0, LEAVE_OUT_MS);
    expect(target.of(slow, DEFAULT_BITRATES)).toBe(8e6 * SHARE);
    const better = [operator(8e6), watcher(4e6)];
    pass(target, better, LEAVE_OUT_MS + 1000, COUNT_AGAIN_MS - 1000);
    expect(target.of(better, DEFAULT_BITRATES)).toBe(8e6 * SHARE);
    pass(target, better, LEAVE_OUT_MS + 1000 + COUNT_AGAIN_MS, 0);
    expect(target.of(better, DEFAULT_BITRATES)).toBe(4e6 * SHARE);
  });

  test("who is behind now and then is not left out, and who comes back begins anew", () => {
    const target = new TargetBitrate();
    const slow = [operator(8e6), watcher(min)];
    pass(target, slow, 0, LEAVE_OUT_MS - 1000);
    pass(target, [operator(8e6), watcher(8e6)], LEAVE_OUT_MS, 0);
    pass(target, slow, LEAVE_OUT_MS + 1000, LEAVE_OUT_MS - 1000);
    expect(target.isLeftOut("watcher")).toBe(false);
    pass(target, slow, 2 * LEAVE_OUT_MS + 1000, 0);
    expect(target.isLeftOut("watcher")).toBe(true);
    pass(target, [operator(8e6)], 2 * LEAVE_OUT_MS + 2000, 0);
    expect(target.isLeftOut("watcher")).toBe(false);
  });
});
