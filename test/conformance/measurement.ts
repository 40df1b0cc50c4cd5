import path from "node:path";
import { differences, passesDirectlyOnly, RUNS_AGAIN, type Runs } from "./compare.ts";
import { Environments } from "./environments.ts";
import type { Options } from "./options.ts";
import { type FilePlan, isInSample, planFiles } from "./plan.ts";
import { type Report, reportOf } from "./report.ts";
import { type Result, ResultFolder, type Way } from "./results.ts";
import { listCases, runFile, type SuiteOptions } from "./suite.ts";

/** Silence after which the running case counts as hung. The slowest of the suite take half of it. */
const HUNG_MS = 120_000;
/** As a guest from afar: a case may make hundreds of round trips, one after another. */
const HUNG_FAR_MS = 1_200_000;

/** Which cases are run one way, and what becomes of their results. */
type Run = {
  readonly way: Way;
  readonly isDue: (name: string) => boolean;
  readonly onResult: (result: Result) => void;
};

/** One run of the suite, both ways; what its folder of results has already is not run. */
export class Measurement {
  readonly #options: Options;
  readonly #cts: string;
  readonly #folder: ResultFolder;
  readonly #stop: AbortSignal;
  readonly #failed = new AbortController();

  /** Throws SuiteError. `stop` ends it after the cases under way. */
  constructor(options: Options, stop: AbortSignal) {
    this.#options = options;
    this.#cts = path.resolve(options.cts);
    this.#folder = new ResultFolder(options.results);
    const { compat, delay } = options;
    this.#folder.requireSame({ compat, delay });
    this.#stop = AbortSignal.any([stop, this.#failed.signal]);
  }

  /** Throws SuiteError. */
  async run(): Promise<Report> {
    const { ways, again, jobs, delay } = this.#options;
    const names = await this.#names();
    const cases = new Set(names);
    const guests = ways.includes("guest") || again ? jobs : 0;
    await using environments = await Environments.start(guests, delay, say);
    await this.#runAll(environments, names, this.#runs());
    if (again) await this.#runAll(environments, names, this.#runsAgain(cases));
    return reportOf(cases, this.#results());
  }

  #runs(): Run[] {
    const direct = this.#folder.read("direct");
    return this.#options.ways.map((way) => {
      const done = this.#folder.read(way);
      const isDue = (name: string): boolean => {
        const result = done.get(name);
        if (result === undefined) return true;
        if (!this.#options.retry || way !== "guest") return false;
        return passesDirectlyOnly(direct.get(name)?.status, result.status);
      };
      return { way, isDue, onResult: (result: Result) => this.#folder.add(way, result) };
    });
  }

  /** What differs, RUNS_AGAIN times each way; what was run again before only as a guest. */
  #runsAgain(cases: ReadonlySet<string>): Run[] {
    const results = this.#results();
    const found = differences(results).filter(({ name }) => cases.has(name));
    const different = new Set(found.map(({ name }) => name));
    const before = results.directAgain;
    const rounds = Array.from({ length: RUNS_AGAIN }, (_, round) => round);
    return rounds.flatMap((round) =>
      (["direct", "guest"] as const).map((way) => ({
        way,
        isDue: (name) =>
          different.has(name) && (way === "guest" || (before.get(name)?.length ?? 0) <= round),
        onResult: (result) => this.#folder.addAgain(way, result),
      })),
    );
  }

  /**
   * File by file, so that what is stopped early has results of both ways to compare; and small files
   * first, which test the most different things for the time that they take.
   */
  async #runAll(
    environments: Environments,
    cases: readonly string[],
    runs: readonly Run[],
  ): Promise<void> {
    const files = planFiles(cases, (name) => runs.some(({ isDue }) => isDue(name))).toSorted(
      (a, b) => a.wanted.size - b.wanted.size,
    );
    const runJob = async (job: number): Promise<void> => {
      for (let file = files.shift(); file !== undefined; file = files.shift()) {
        for (const { way, isDue, onResult } of runs) {
          const plan = { ...file, wanted: new Set([...file.wanted].filter(isDue)) };
          if (plan.wanted.size === 0 || this.#stop.aborted) continue;
          await this.#runOne(way, environments.of(way, job), plan, onResult);
        }
      }
    };
    const jobs = Array.from({ length: this.#options.jobs }, async (_, job) => {
      try {
        await runJob(job);
      } catch (error) {
        this.#failed.abort(); // Before the gateway ends, which the others' cases would be blamed for.
        throw error;
      }
    });
    for (const ended of await Promise.allSettled(jobs)) {
      if (ended.status === "rejected") throw ended.reason;
    }
  }

  async #runOne(
    way: Way,
    env: NodeJS.ProcessEnv,
    plan: FilePlan,
    onResult: (result: Result) => void,
  ): Promise<void> {
    const began = performance.now();
    let count = 0;
    const options: SuiteOptions = {
      folder: this.#cts,
      way,
      env,
      args: this.#options.compat ? ["--compat"] : [],
      hungMs: this.#options.delay === 0 ? HUNG_MS : HUNG_FAR_MS,
    };
    await runFile(options, plan, this.#stop, (result) => {
      count++;
      onResult(result);
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`${way}: ${count} of ${plan.wanted.size} in ${seconds} s: ${plan.query}`);
  }

  async #names(): Promise<string[]> {
    const { queries, percent, seed } = this.#options;
    const names: string[] = [];
    for (const query of queries) {
      const kept = this.#folder.readCases(query);
      const listed = kept ?? (await listCases(this.#cts, query));
      if (kept === undefined) this.#folder.keepCases(query, listed);
      for (const name of listed) names.push(name);
    }
    return percent === 100 ? names : names.filter((name) => isInSample(name, percent, seed));
  }

  #results(): Runs {
    return {
      direct: this.#folder.read("direct"),
      guest: this.#folder.read("guest"),
      directAgain: this.#folder.readAgain("direct"),
      guestAgain: this.#folder.readAgain("guest"),
    };
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
