import { expect, test } from "vitest";
import {
  columnsOf,
  factsOf,
  formatBytes,
  formatGpuTime,
  formatShare,
  moodOf,
  totalsOf,
} from "#client/admin/figures.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { LIVE_REPORT } from "#test/support/live-report.ts";

const REPORT: SessionReport = {
  ...LIVE_REPORT,
  since: "2026-11-25T12:00:00.123Z",
  width: 640,
  height: 360,
  programs: 2,
  viewers: 1,
  frameRate: 59.96,
  bitrate: 2_500_000,
  gpuTime: 254,
  gpuMemory: 300 * 2 ** 20,
  frames: 12_345,
  restarts: 0,
  errors: { worker: 1, program: 2, viewer: 3 },
  stages: { present_to_mapped: 4.25 },
  counts: {},
};
const { gpuTime: _time, gpuMemory: _memory, ...unmeasured } = REPORT;

test("a session's row has its figures with their units", () => {
  expect(columnsOf(REPORT)).toEqual([
    "Live",
    "default",
    "60.0",
    "2.5 Mbit/s",
    "25 %",
    "300 MiB",
    "2",
    "1",
    "6",
  ]);
});

test.for([
  { what: "none", reports: [], says: "0 sessions, 0 live, 0 viewers" },
  { what: "one", reports: [REPORT], says: "1 session, 1 live, 1 viewer, GPU 25 %" },
  {
    what: "several, one of which is not measured",
    reports: [REPORT, REPORT, { ...unmeasured, state: "paused" as const }],
    says: "3 sessions, 2 live, 3 viewers, GPU 51 %",
  },
])("all sessions together are said: $what", ({ reports, says }) => {
  expect(totalsOf(reports)).toBe(says);
});

test("what nobody measures is a dash, not a zero", () => {
  expect(columnsOf(unmeasured).slice(4, 6)).toEqual(["–", "–"]);
});

test("a profile that an admin chose is marked", () => {
  expect(columnsOf({ ...REPORT, profileAssigned: true })[1]).toBe("default (assigned)");
});

test.for([
  { state: "live", mood: "well" },
  { state: "paused", mood: "quiet" },
  { state: "quarantined", mood: "trouble" },
  { state: "worker-restarting", mood: "trouble" },
] as const)("a session that is $state is taken as $mood", ({ state, mood }) => {
  expect(moodOf({ ...REPORT, state })).toBe(mood);
});

test.for([
  { name: "Picture", value: "640 × 360" },
  { name: "Frames", value: "12,345" },
  { name: "Errors", value: "1 worker, 2 program, 3 viewer" },
  { name: "Last error", value: "none" },
  { name: "Stages, a frame", value: "present to mapped 4.3 ms" },
  { name: "Since", value: "2026-11-25 12:00:00 UTC" },
])("its details say $name: $value", (fact) => {
  expect(factsOf(REPORT)).toContainEqual(fact);
});

test.for([
  { bytes: 0, text: "0 MiB" },
  { bytes: 1023 * 2 ** 20, text: "1023 MiB" },
  { bytes: 2 ** 30, text: "1.0 GiB" },
])("$bytes bytes are $text", ({ bytes, text }) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("a second of GPU time a second is all of it", () => {
  expect([formatGpuTime(1000), formatGpuTime(undefined)]).toEqual(["100 %", "–"]);
});

test.for([
  { share: { policy: "best-effort" }, text: "best effort" },
  { share: { policy: "equal-share", weight: 2 }, text: "equal, weight 2" },
  { share: { policy: "fixed-share", percent: 25 }, text: "fixed, 25 %" },
  { share: { policy: "target-frame-rate", frameRate: 30 }, text: "30 frames a second" },
] as const)("a share reads $text", ({ share, text }) => {
  expect(formatShare(share)).toBe(text);
});

test("a share that an admin chose is marked, and one that nobody is let in beside", () => {
  const name = "Share of the GPU";
  expect(factsOf(REPORT)).toContainEqual({ name, value: "equal, weight 1" });
  const assigned = { ...REPORT, shareAssigned: true };
  expect(factsOf(assigned)).toContainEqual({ name, value: "equal, weight 1 (assigned)" });
  const alone = { ...assigned, exclusive: true };
  expect(factsOf(alone)).toContainEqual({
    name,
    value: "equal, weight 1 (assigned) (nobody beside it)",
  });
});
