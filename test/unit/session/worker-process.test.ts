import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { processorTime } from "#server/session/processor-time.ts";
import { MAX_OUTPUT_BYTES_PER_SECOND, WorkerProcess } from "#server/session/worker-process.ts";

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

afterEach(() => void vi.useRealTimers());

/** A worker that prints so many bytes, and "end" at the first signal, which it answers with one. */
const printing = (bytes: number) => `
  trap 'printf end >&2; kill -s USR2 $PPID' USR1
  head -c ${bytes} /dev/zero | tr '\\0' x >&2
  while :; do sleep 0.05; done`;

/** Turns of the event loop in which what a pipe holds is surely read. */
const TURNS = 20;

test.for([
  { what: "as much as the limit", bytes: MAX_OUTPUT_BYTES_PER_SECOND, rests: false },
  { what: "one byte more", bytes: MAX_OUTPUT_BYTES_PER_SECOND + 1, rests: true },
])("a worker that prints $what in a second waits: $rests", async ({ bytes, rests }) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const command = {
    program: "/bin/sh",
    args: ["-c", printing(bytes)],
    environment: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
  };
  const worker = new WorkerProcess(command, {});
  try {
    let printed = "";
    const all = new Promise<void>((resolve) => {
      worker.onOutput((text) => {
        printed += text;
        if (printed.length === bytes) resolve();
      });
    });
    await all;
    const answered = once(process, "SIGUSR2");
    process.kill(worker.pid, "SIGUSR1");
    await answered;
    for (let turns = 0; turns < TURNS; turns++) await turn();
    expect(printed.slice(bytes)).toBe(rests ? "" : "end");
    vi.advanceTimersByTime(1000);
    for (let turns = 0; turns < TURNS; turns++) await turn();
    expect(printed.slice(bytes)).toBe("end");
  } finally {
    worker.kill();
    await worker.exited;
  }
});
