import { expect, test } from "vitest";
import {
  FigureKeeper,
  MAX_WORKER_NUMBER,
  WORKER_COUNTS,
  WORKER_STAGES,
} from "#server/session/session-report.ts";

const MEDIA = {
  type: "stats",
  session: "vm",
  viewers: 1,
  bitrate: 3_000_000,
  targetBitrate: 5_000_000,
  framesSent: 60,
  packetsLost: 0,
  presentToSentMs: [],
} as const;

/** Figures and a clock that only the test moves. */
function figuresAt(start = 10_000) {
  const clock = { now: start };
  return { clock, figures: new FigureKeeper(() => clock.now) };
}

test("a session that nothing is known of reports zeros, and no figure that nobody measures", () => {
  expect(figuresAt().figures.report()).toEqual({
    frameRate: 0,
    bitrate: 0,
    frames: 0,
    restarts: 0,
    errors: { worker: 0, program: 0, viewer: 0 },
    stages: {},
    counts: {},
  });
});

test("rates are those of the last whole seconds, and fall to zero when nothing comes", () => {
  const { clock, figures } = figuresAt();
  for (let second = 0; second < 4; second++) {
    for (let frame = 0; frame < 50; frame++) {
      figures.frameFinished();
      clock.now += 20;
    }
    figures.mediaStats(MEDIA);
    figures.gpuTime(400);
  }
  clock.now += 1_000;
  const { frameRate, bitrate, gpuTime, frames, targetBitrate } = figures.report();
  expect(frameRate).toBeCloseTo(100 / 3);
  expect(bitrate).toBe(3_000_000);
  expect(gpuTime).toBe(400);
  expect([frames, targetBitrate]).toEqual([200, 5_000_000]);
  clock.now += 10_000;
  expect(figures.report()).toMatchObject({ frameRate: 0, bitrate: 0, gpuTime: 0, frames: 200 });
});

test("a worker's known stages are kept, counts are summed", () => {
  const { figures } = figuresAt();
  figures.workerStats({ encode_ms: 3, encode_max_ms: 9, frames: 30, gpu_memory_bytes: 4096 });
  figures.workerStats({ encode_ms: 4, frames: 31, gpu_time_ms: 12 });
  expect(figures.report()).toMatchObject({
    stages: { encode: 4 },
    counts: { frames: 61 },
    gpuMemory: 4096,
    gpuTime: 0,
  });
});

test.for<{ why: string; stages: Record<string, number> }>([
  { why: "names that are not known", stages: { "x{}": 1, __proto__: 1, constructor: 2 } },
  { why: "a negative time", stages: { encode_ms: -1 } },
  { why: "a negative count, which would turn a counter back", stages: { frames: -5 } },
  {
    why: "a number one over the limit",
    stages: { frames: MAX_WORKER_NUMBER + 1, encode_ms: MAX_WORKER_NUMBER + 1 },
  },
  { why: "what is no number", stages: { frames: Number.NaN, encode_ms: Number.NaN } },
])("a worker that was taken over gets nothing kept by $why", ({ stages }) => {
  const { figures } = figuresAt();
  figures.workerStats(stages);
  const { stages: kept, counts } = figures.report();
  expect({ kept, counts }).toEqual({ kept: {}, counts: {} });
});

test("a worker's number may be as large as the limit", () => {
  const { figures } = figuresAt();
  figures.workerStats({ frames: MAX_WORKER_NUMBER, encode_ms: MAX_WORKER_NUMBER });
  expect(figures.report()).toMatchObject({
    stages: { encode: MAX_WORKER_NUMBER },
    counts: { frames: MAX_WORKER_NUMBER },
  });
});

test("a worker that names everything fills no more than the lists", () => {
  const { figures } = figuresAt();
  const all = [...WORKER_STAGES.map((stage) => `${stage}_ms`), ...WORKER_COUNTS];
  figures.workerStats(Object.fromEntries([...all, "more_ms", "more"].map((name) => [name, 1])));
  const { stages, counts } = figures.report();
  expect(Object.keys(stages)).toEqual([...WORKER_STAGES]);
  expect(Object.keys(counts)).toEqual([...WORKER_COUNTS]);
});

test("a worker's end takes its measurements along, and keeps what was counted", () => {
  const { figures } = figuresAt();
  figures.workerStarted();
  figures.workerStats({ encode_ms: 3, frames: 30, gpu_memory_bytes: 4096 });
  figures.objects(12);
  expect(figures.report()).toMatchObject({ gpuMemory: 4096, objects: 12 });
  figures.workerEnded();
  figures.error("worker", "The GPU worker was ended by SIGSEGV.");
  figures.workerStarted();
  expect(figures.report()).toMatchObject({
    stages: {},
    counts: { frames: 30 },
    gpuMemory: 0,
    objects: 0,
    restarts: 1,
    errors: { worker: 1, program: 0, viewer: 0 },
    lastError: { sentence: "The GPU worker was ended by SIGSEGV." },
  });
});
