import { expect, test } from "vitest";
import { processorTime } from "#server/session/processor-time.ts";
import { WorkerProcess } from "#server/session/worker-process.ts";

const WORK = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";

test.for([
  { who: "a child that ended", script: `(${WORK}); sleep 1000` },
  { who: "a child that goes on", script: "while :; do :; done & wait" },
])("processor time of $who is its worker's", async ({ script }) => {
  const command = { program: "/bin/sh", args: ["-c", script], environment: {} };
  const worker = new WorkerProcess(command, {});
  try {
    await expect.poll(() => worker.hostUse.processes, { timeout: 5000 }).toBe(2);
    // The shell itself only waits.
    await expect.poll(() => worker.processorMs, { timeout: 10_000 }).toBeGreaterThan(100);
    expect(worker.processorMs).toBeGreaterThanOrEqual(processorTime(worker.pid)!);
  } finally {
    worker.kill();
    await worker.exited;
  }
  expect(processorTime(2 ** 30)).toBeUndefined(); // Nobody's.
});
