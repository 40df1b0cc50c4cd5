import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { MAX_LABEL_CHARACTERS, Metrics } from "#server/observe/metrics.ts";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { LIVE_REPORT } from "#test/support/live-report.ts";

const REPORT: SessionReport = {
  ...LIVE_REPORT,
  name: "vm-1",
  adapter: "llvmpipe",
  encoder: "libx264",
  programs: 2,
  viewers: 3,
  frameRate: 59.5,
  bitrate: 3_000_000,
  targetBitrate: 5_000_000,
  gpuTime: 250,
  gpuMemory: 4096,
  objects: 12,
  frames: 1000,
  restarts: 1,
  errors: { worker: 1, program: 2, viewer: 0 },
  stages: { encode: 2 },
  counts: { encoded_frames: 990 },
};

function metricsOf(reports: SessionReport[], isReady = true): Metrics {
  return new Metrics({ reports: () => reports, isReady: () => isReady });
}

/** The samples of Prometheus's text format, by name and labels. */
async function samples(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split("\n").filter((line) => /^[a-z]/.test(line));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

test.for([
  { series: "heliograph_ready", value: 1 },
  { series: "heliograph_sessions", value: 1 },
  { series: 'heliograph_session_state{session="vm-1",state="live"}', value: 1 },
  {
    series:
      'heliograph_session_info{session="vm-1",profile="default",adapter="llvmpipe",encoder="libx264"}',
    value: 1,
  },
  { series: 'heliograph_session_paused{session="vm-1"}', value: 0 },
  { series: 'heliograph_session_quarantined{session="vm-1"}', value: 0 },
  { series: 'heliograph_session_programs{session="vm-1"}', value: 2 },
  { series: 'heliograph_session_viewers{session="vm-1"}', value: 3 },
  { series: 'heliograph_session_frame_rate{session="vm-1"}', value: 59.5 },
  { series: 'heliograph_session_bitrate_bits_per_second{session="vm-1"}', value: 3_000_000 },
  { series: 'heliograph_session_target_bitrate_bits_per_second{session="vm-1"}', value: 5_000_000 },
  { series: 'heliograph_session_gpu_busy_ratio{session="vm-1"}', value: 0.25 },
  { series: 'heliograph_session_gpu_memory_bytes{session="vm-1"}', value: 4096 },
  { series: 'heliograph_session_objects{session="vm-1"}', value: 12 },
  { series: 'heliograph_session_stage_seconds{session="vm-1",stage="encode"}', value: 0.002 },
  { series: 'heliograph_session_frames_total{session="vm-1"}', value: 1000 },
  { series: 'heliograph_session_worker_restarts_total{session="vm-1"}', value: 1 },
  { series: 'heliograph_session_errors_total{session="vm-1",kind="program"}', value: 2 },
  { series: 'heliograph_session_events_total{session="vm-1",event="encoded_frames"}', value: 990 },
])("a report becomes $series", async ({ series, value }) => {
  const metrics = metricsOf([REPORT]);
  await metrics.text(); // Asked twice, what is counted is not counted twice.
  expect((await samples(metrics)).get(series)).toBe(value);
});

test("figures that nobody measures have no series, rather than a zero", async () => {
  const {
    gpuTime: _time,
    gpuMemory: _memory,
    objects: _objects,
    targetBitrate: _target,
    ...known
  } = REPORT;
  const names = [...(await samples(metricsOf([known]))).keys()];
  expect(names.filter((name) => /gpu|objects|target/.test(name))).toEqual([]);
});

test("a gateway without a GPU says so, and its own process is measured", async () => {
  const all = await samples(metricsOf([], false));
  expect(all.get("heliograph_ready")).toBe(0);
  expect(all.get("process_resident_memory_bytes")).toBeGreaterThan(0);
});

test("each frame's time on each leg of its way is in a histogram", async () => {
  const metrics = metricsOf([REPORT]);
  metrics.observer.workerLegs?.("vm-1", { encode: [1, 3], present_to_mapped: [40] });
  metrics.observer.mediaStats?.("vm-1", {
    type: "stats",
    session: "vm-1",
    viewers: 1,
    bitrate: 0,
    targetBitrate: 0,
    framesSent: 1,
    packetsLost: 0,
    presentToSentMs: [15],
  });
  const all = await samples(metrics);
  const bucket = (leg: string, le: string) =>
    all.get(`heliograph_frame_leg_seconds_bucket{le="${le}",session="vm-1",leg="${leg}"}`);
  expect([bucket("encode", "0.001"), bucket("encode", "0.005")]).toEqual([1, 2]);
  expect([bucket("present_to_mapped", "0.033"), bucket("present_to_mapped", "0.05")]).toEqual([
    0, 1,
  ]);
  expect([bucket("mapped_to_sent", "0.01"), bucket("mapped_to_sent", "0.02")]).toEqual([0, 1]);
});

test("a session that is forgotten leaves no series", async () => {
  const reports = [REPORT, { ...REPORT, name: "vm-2" }];
  const metrics = metricsOf(reports);
  for (const { name } of reports) metrics.observer.workerLegs?.(name, { encode: [1] });
  expect(await metrics.text()).toContain('session="vm-2"');
  reports.pop();
  metrics.forget("vm-2");
  const text = await metrics.text();
  expect(text).toContain('session="vm-1"');
  expect(text).not.toContain('session="vm-2"');
});

test.for([
  { what: "as long as the limit", length: MAX_LABEL_CHARACTERS },
  { what: "one longer, which loses its end", length: MAX_LABEL_CHARACTERS + 1 },
])("a worker's adapter and encoder make labels of any text, $what", async ({ length }) => {
  const adapter = `"}\n`.padEnd(length, "x");
  const encoder = "y".repeat(length);
  const text = await metricsOf([{ ...REPORT, adapter, encoder }]).text();
  const line = text.split("\n").find((each) => each.startsWith("heliograph_session_info"));
  const adapterLabel = String.raw`\"}\n` + "x".repeat(MAX_LABEL_CHARACTERS - 3);
  const encoderLabel = "y".repeat(MAX_LABEL_CHARACTERS);
  expect(line).toContain(`adapter="${adapterLabel}",encoder="${encoderLabel}"`);
});

test("the Grafana dashboard asks for no metric that is not there", async () => {
  const dashboard = await readFile(new URL("../../../docs/grafana.json", import.meta.url), "utf8");
  const asked = new Set(dashboard.match(/\b(heliograph|process|nodejs)_[a-z0-9_]+/g));
  const metrics = metricsOf([REPORT]);
  metrics.observer.workerLegs?.("vm-1", { encode: [1] });
  const there = new Set([...(await samples(metrics)).keys()].map((name) => name.split("{")[0]));
  expect(asked.size).toBeGreaterThan(15);
  expect([...asked].filter((name) => !there.has(name))).toEqual([]);
});
