import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import { ASK_EVERY_MS, GpuSeat, MOST_UNANSWERED } from "#server/session/gpu-seat.ts";
import type { ToWorker } from "#server/worker/messages.ts";

const sent: ToWorker[] = [];
const overdue: string[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  sent.length = 0;
  overdue.length = 0;
});
afterEach(() => void vi.useRealTimers());

function seated(deadlineMs: number): GpuSeat {
  const worker = {
    processorMs: undefined,
    ready: { isSoftware: false },
    send: (message: ToWorker) => void sent.push(message),
  };
  const gpu = new GpuScheduler({ deadlineMs: () => deadlineMs });
  const share = { policy: "best-effort" } as const;
  return new GpuSeat(gpu, worker, share, {
    charged: () => {},
    overdue: (_milliseconds, how) => overdue.push(how),
  });
}

const SENTENCE =
  "One command kept the GPU worker busy for over 30 s (a shader that takes as long to compile, say), and it was killed.";

test.for([
  { what: "answers the last question that it may leave", asks: MOST_UNANSWERED, told: [] },
  { what: "leaves one more", asks: MOST_UNANSWERED + 1, told: [SENTENCE] },
  { what: "is not heard of again", asks: 10 * MOST_UNANSWERED, told: [SENTENCE] },
])("of a worker that $what the session hears $told", ({ asks, told }) => {
  using seat = seated(1000);
  vi.advanceTimersByTime(asks * ASK_EVERY_MS);
  seat.told({ type: "gpuHere" });
  expect(overdue).toEqual(told);
  expect(sent).toEqual(Array.from({ length: MOST_UNANSWERED }, () => ({ type: "ask" })));
});

test("a worker that answers is asked on and on", () => {
  using seat = seated(1000);
  for (let round = 0; round < 100; round++) {
    vi.advanceTimersByTime(MOST_UNANSWERED * ASK_EVERY_MS);
    seat.told({ type: "gpuHere" });
  }
  expect(overdue).toEqual([]);
  expect(sent).toHaveLength(100 * MOST_UNANSWERED);
});

test("where a submit may take longer, the worker may be silent for twice as long", () => {
  using seat = seated(60_000);
  vi.advanceTimersByTime(120_000 + ASK_EVERY_MS);
  expect(overdue).toEqual([]);
  vi.advanceTimersByTime(ASK_EVERY_MS);
  expect(overdue).toEqual([expect.stringMatching(/for over 125 s/)]);
  expect(seat).toBeDefined();
});

test("nobody is asked once the worker is gone", () => {
  seated(1000)[Symbol.dispose]();
  vi.advanceTimersByTime(10 * ASK_EVERY_MS);
  expect(sent).toEqual([]);
});
