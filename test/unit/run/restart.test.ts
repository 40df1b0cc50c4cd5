import { expect, test } from "vitest";
import { LostFile, writeLost } from "#client/run/lost-file.ts";
import { type End, HEALTHY_MS, keepRunning } from "#client/run/restart.ts";

type Run = End & { readonly lasts?: number; readonly stops?: boolean };

const LOST = "The GPU worker was ended by SIGSEGV.";

/** Runs a program that ends in these ways, one after the other, on a clock of its own. */
async function observe(runs: readonly Run[]) {
  const stop = new AbortController();
  const waits: number[] = [];
  const reports: string[] = [];
  const left = [...runs];
  let time = 0;
  const status = await keepRunning({
    run: () => {
      const { lasts = 1_000, stops = false, ...end } = left.shift()!;
      time += lasts;
      if (stops) stop.abort();
      return Promise.resolve(end);
    },
    report: (sentence) => reports.push(sentence),
    stop: stop.signal,
    wait: (milliseconds) => {
      waits.push(milliseconds);
      time += milliseconds;
      return Promise.resolve();
    },
    now: () => time,
  });
  return { status, waits, reports, left: left.length };
}

test.for<{ how: string; runs: Run[]; status: number; restarts: number }>([
  { how: "ends by itself", runs: [{ status: 3 }], status: 3, restarts: 0 },
  {
    how: "ends with 0 though it lost its connection",
    runs: [{ status: 0, lost: LOST }],
    status: 0,
    restarts: 0,
  },
  {
    how: "lost its connection once",
    runs: [{ status: 1, lost: LOST }, { status: 0 }],
    status: 0,
    restarts: 1,
  },
  {
    how: "lost its connection and exited with a status of its own",
    runs: [{ status: 7, lost: LOST }, { status: 7 }],
    status: 7,
    restarts: 1,
  },
  {
    how: "lost its connection and was told to end",
    runs: [{ status: 143, lost: LOST, stops: true }],
    status: 143,
    restarts: 0,
  },
])("a program that $how is restarted $restarts times", async ({ runs, status, restarts }) => {
  const observed = await observe(runs);
  expect(observed).toMatchObject({ status, left: 0 });
  expect(observed.waits).toHaveLength(restarts);
});

test("each restart waits longer, up to ten seconds, until the program was healthy", async () => {
  const lost = { status: 1, lost: LOST };
  const { waits } = await observe([
    ...Array.from({ length: 8 }, () => ({ ...lost, lasts: HEALTHY_MS - 1 })),
    { ...lost, lasts: HEALTHY_MS },
    { status: 0 },
  ]);
  for (const [index, wait] of waits.entries()) {
    const most = index === 8 ? 250 : Math.min(10_000, 250 * 2 ** index);
    expect(wait).toBeGreaterThanOrEqual(most / 2);
    expect(wait).toBeLessThanOrEqual(most);
  }
});

test("why it is restarted is said", async () => {
  const { reports } = await observe([{ status: 1, lost: LOST }, { status: 0 }]);
  expect(reports).toEqual([
    expect.stringMatching(
      /^The program ended \(1\) after it lost its connection: The GPU worker was ended by SIGSEGV\. It is started again in 0\.\d s\.$/,
    ),
  ]);
});

test("the file that tells of a loss is read once, and gone in the end", () => {
  let path: string;
  {
    using file = new LostFile();
    path = file.path;
    expect(file.take()).toBeUndefined();
    writeLost(path, LOST);
    expect(file.take()).toBe(LOST);
    expect(file.take()).toBeUndefined();
  }
  writeLost(path, LOST); // Nobody is left to be told.
});
