import path from "node:path";
import { parseArgs } from "node:util";
import { differences, isRegression, RUNS_AGAIN, toTable, totals } from "./compare.ts";
import { Environments } from "./environments.ts";
import { type FilePlan, isInSample, planFiles } from "./plan.ts";
import { type Result, ResultFolder, type Way } from "./results.ts";
import { listCases, runFile, SuiteError } from "./suite.ts";

// npm run conformance -- --cts FOLDER --query QUERY [--query QUERY] [options]
//
// Runs the WebGPU conformance suite on Dawn directly and as a guest, case by case on the same software
// GPU, and says what differs. Results are kept in a folder: what is there is not run again.

const { values } = parseArgs({
  options: {
    /** The suite's folder, built. */
    cts: { type: "string" },
    query: { type: "string", multiple: true, default: [] },
    results: { type: "string", default: "dist/conformance" },
    /** "direct" or "guest": only this way. */
    only: { type: "string" },
    /** Runs again as a guest what is there already, where it did not pass. */
    retry: { type: "boolean", default: false },
    /** Runs what differs again, each way. */
    again: { type: "boolean", default: false },
    /** Only so many of each 100 cases, chosen by the seed. */
    percent: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    /** Stops after so many seconds; the next run goes on. */
    seconds: { type: "string", default: "86400" },
    /** Files of the suite that run at once. */
    jobs: { type: "string", default: "1" },
    /** Milliseconds that guests are from the gateway, each way. */
    delay: { type: "string", default: "0" },
    /** The suite's own option: an adapter of the level "compatibility". */
    compat: { type: "boolean", default: false },
  },
});

/** Silence after which the running case counts as hung. The slowest of the suite take half of it. */
const HUNG_MS = 120_000;
/** As a guest from afar: a case may make hundreds of round trips, one after another. */
const HUNG_FAR_MS = 1_200_000;

const JOBS = Math.max(1, Number(values.jobs));
const DELAY = Number(values.delay);
const SUITE_ARGS = values.compat ? ["--compat"] : [];
const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopped.abort());
const stop = AbortSignal.any([stopped.signal, AbortSignal.timeout(Number(values.seconds) * 1000)]);
const folder = new ResultFolder(values.results);
const ways: readonly Way[] = values.only === undefined ? ["direct", "guest"] : [toWay(values.only)];

try {
  await measure();
} catch (error) {
  if (!(error instanceof SuiteError)) throw error;
  say(error.message);
  process.exitCode = 2;
}

async function measure(): Promise<void> {
  const cases = await namesOf(values.query);
  await using environments = await Environments.start(
    ways.includes("guest") || values.again ? JOBS : 0,
    DELAY,
    say,
  );
  const direct = folder.read("direct");
  const passesDirectly = (name: string): boolean => direct.get(name)?.status === "pass";
  const runs = ways.map((way) => {
    const done = folder.read(way);
    const isDue = (name: string): boolean => {
      const result = done.get(name);
      if (result === undefined) return true;
      return values.retry && way === "guest" && result.status !== "pass" && passesDirectly(name);
    };
    return { way, isDue, onResult: (result: Result) => folder.add(way, result) };
  });
  await runAll(environments, cases, runs);
  if (values.again) await runAll(environments, cases, runsAgain(new Set(cases)));
  report(new Set(cases));
}

/** What differs, RUNS_AGAIN times each way; what was run again before only as a guest. */
function runsAgain(cases: ReadonlySet<string>): Run[] {
  const before = folder.readAgain("direct");
  const different = new Set(found(cases).map(({ name }) => name));
  const rounds = Array.from({ length: RUNS_AGAIN }, (_, round) => round);
  return rounds.flatMap((round) =>
    (["direct", "guest"] as const).map((way) => ({
      way,
      isDue: (name) =>
        different.has(name) && (way === "guest" || (before.get(name)?.length ?? 0) <= round),
      onResult: (result) => folder.addAgain(way, result),
    })),
  );
}

type Run = {
  readonly way: Way;
  readonly isDue: (name: string) => boolean;
  readonly onResult: (result: Result) => void;
};

/**
 * File by file, so that what is stopped early has results of both ways to compare; and small files
 * first, which test the most different things for the time that they take.
 */
async function runAll(
  environments: Environments,
  cases: readonly string[],
  runs: readonly Run[],
): Promise<void> {
  const files = planFiles(cases, (name) => runs.some(({ isDue }) => isDue(name))).toSorted(
    (a, b) => a.wanted.size - b.wanted.size,
  );
  const jobs = Array.from({ length: JOBS }, async (_, job) => {
    for (let file = files.shift(); file !== undefined; file = files.shift()) {
      for (const { way, isDue, onResult } of runs) {
        const plan = { ...file, wanted: new Set([...file.wanted].filter(isDue)) };
        if (plan.wanted.size === 0 || stop.aborted) continue;
        await runOne(way, environments.of(way, job), plan, onResult);
      }
    }
  });
  await Promise.all(jobs);
}

async function runOne(
  way: Way,
  env: NodeJS.ProcessEnv,
  plan: FilePlan,
  onResult: (result: Result) => void,
): Promise<void> {
  const began = performance.now();
  let count = 0;
  const options = {
    folder: path.resolve(values.cts ?? ""),
    way,
    env,
    args: SUITE_ARGS,
    hungMs: DELAY === 0 ? HUNG_MS : HUNG_FAR_MS,
  };
  await runFile(options, plan, stop, (result) => {
    count++;
    onResult(result);
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(`${way}: ${count} of ${plan.wanted.size} in ${seconds} s: ${plan.query}`);
}

async function namesOf(queries: readonly string[]): Promise<string[]> {
  if (values.cts === undefined || queries.length === 0) {
    throw new SuiteError("Say where the suite is (--cts FOLDER), and what to run (--query QUERY).");
  }
  const percent = Number(values.percent);
  const names: string[] = [];
  for (const query of queries) {
    const kept = folder.readCases(query);
    const listed = kept ?? (await listCases(path.resolve(values.cts), query));
    if (kept === undefined) folder.keepCases(query, listed);
    for (const name of listed) names.push(name);
  }
  return percent === 100 ? names : names.filter((name) => isInSample(name, percent, values.seed));
}

function found(cases: ReadonlySet<string>) {
  return differences({
    direct: only(folder.read("direct"), cases),
    guest: folder.read("guest"),
    directAgain: folder.readAgain("direct"),
    guestAgain: folder.readAgain("guest"),
  });
}

function report(cases: ReadonlySet<string>): void {
  const direct = only(folder.read("direct"), cases);
  process.stdout.write(`${toTable(totals({ direct, guest: folder.read("guest") }))}\n`);
  const regressions = found(cases).filter(isRegression);
  process.stdout.write(`\n${regressions.length} cases pass directly and not as a guest\n`);
  for (const { name, again } of regressions) {
    const passes =
      again === undefined ? "" : ` (again: ${again.direct} and ${again.guest} of ${RUNS_AGAIN})`;
    process.stdout.write(`  ${name}${passes}\n`);
  }
  if (regressions.length > 0) process.exitCode = 1;
}

function only(results: Map<string, Result>, cases: ReadonlySet<string>): Map<string, Result> {
  return new Map([...results].filter(([name]) => cases.has(name)));
}

function toWay(value: string): Way {
  if (value === "direct" || value === "guest") return value;
  throw new SuiteError(`--only ${value}: write direct or guest.`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
