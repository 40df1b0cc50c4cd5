import { expect, test } from "vitest";
import { History, MAX_SAMPLES, SAMPLE_SECONDS } from "#server/admin/history.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { LIVE_REPORT } from "#test/support/live-report.ts";

const REPORT: SessionReport = {
  ...LIVE_REPORT,
  viewers: 2,
};

test("a session has its figures in order of time, and null where one was not known", () => {
  const history = new History();
  history.sample([{ ...REPORT, frameRate: 30, gpuTime: 100 }], 1000);
  history.sample([{ ...REPORT, frameRate: 60 }], 1005);
  expect(history.of("vm")).toEqual({
    session: "vm",
    times: [1000, 1005],
    frameRate: [30, 60],
    bitrate: [0, 0],
    gpuTime: [100, null],
    gpuMemory: [null, null],
    viewers: [2, 2],
    programs: [1, 1],
  });
});

test("an hour is kept, and its oldest sample goes for one more", () => {
  const history = new History();
  for (let index = 0; index < MAX_SAMPLES; index++) {
    history.sample([{ ...REPORT, frameRate: index }], index * SAMPLE_SECONDS);
  }
  expect(history.of("vm").times).toHaveLength(MAX_SAMPLES);
  expect(history.of("vm").times[0]).toBe(0);
  history.sample([REPORT], 3600);
  const { times, frameRate } = history.of("vm");
  expect([times.length, times[0], times.at(-1)]).toEqual([MAX_SAMPLES, SAMPLE_SECONDS, 3600]);
  expect([frameRate[0], frameRate.at(-2)]).toEqual([1, MAX_SAMPLES - 1]);
});

test("a session that is gone leaves nothing, and one that is new begins empty", () => {
  const history = new History();
  history.sample([REPORT], 1000);
  history.sample([{ ...REPORT, name: "other" }], 1005);
  expect(history.of("vm").times).toEqual([]);
  expect(history.of("other").times).toEqual([1005]);
});
