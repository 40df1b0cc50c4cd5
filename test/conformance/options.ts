import { parseArgs } from "node:util";
import type { Way } from "./results.ts";
import { SuiteError } from "./suite-error.ts";

export type Options = {
  /** The suite's folder, built. */
  readonly cts: string;
  readonly queries: readonly string[];
  readonly results: string;
  readonly ways: readonly Way[];
  /** Runs again as a guest what is there already, where it passes directly and did not so. */
  readonly retry: boolean;
  /** Runs what differs again, each way. */
  readonly again: boolean;
  /** Only so many of each 100 cases, chosen by the seed. */
  readonly percent: number;
  readonly seed: string;
  /** Stops after so many; the next run goes on. */
  readonly seconds: number;
  /** Files of the suite that run at once. */
  readonly jobs: number;
  /** Milliseconds that guests are from the gateway, each way. */
  readonly delay: number;
  /** The suite's own option: an adapter of the level "compatibility". */
  readonly compat: boolean;
};

const WEEK_SECONDS = 7 * 86_400;

/** Throws SuiteError: a run of hours is not to measure something else than was meant. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  if (values.cts === undefined || values.query.length === 0) {
    throw new SuiteError("Say where the suite is (--cts FOLDER), and what to run (--query QUERY).");
  }
  return {
    cts: values.cts,
    queries: values.query,
    results: values.results,
    ways: values.only === undefined ? ["direct", "guest"] : [toWay(values.only)],
    retry: values.retry,
    again: values.again,
    percent: toNumber("percent", values.percent, 0, 100),
    seed: values.seed,
    seconds: toNumber("seconds", values.seconds, 1, WEEK_SECONDS),
    jobs: toWhole("jobs", values.jobs, 1, 64),
    delay: toNumber("delay", values.delay, 0, 10_000),
    compat: values.compat,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        cts: { type: "string" },
        query: { type: "string", multiple: true, default: [] },
        results: { type: "string", default: "dist/conformance" },
        only: { type: "string" },
        retry: { type: "boolean", default: false },
        again: { type: "boolean", default: false },
        percent: { type: "string", default: "100" },
        seed: { type: "string", default: "1" },
        seconds: { type: "string", default: "86400" },
        jobs: { type: "string", default: "1" },
        delay: { type: "string", default: "0" },
        compat: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new SuiteError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function toWay(value: string): Way {
  if (value === "direct" || value === "guest") return value;
  throw new SuiteError(`--only ${value}: write direct or guest.`);
}

function toNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number >= least && number <= most) return number;
  throw new SuiteError(`--${name} ${text}: write a number from ${least} to ${most}.`);
}

function toWhole(name: string, text: string, least: number, most: number): number {
  const number = toNumber(name, text, least, most);
  if (Number.isInteger(number)) return number;
  throw new SuiteError(`--${name} ${text}: write a whole number.`);
}
