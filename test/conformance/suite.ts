import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FilePlan } from "./plan.ts";
import type { Result, Way } from "./results.ts";
import { SuiteError } from "./suite-error.ts";
import { SuiteOutput } from "./suite-output.ts";

const RUNNER = "out-node/common/runtime/cmdline.js";

const PROVIDERS: Readonly<Record<Way, string>> = {
  direct: fileURLToPath(new URL("direct.cjs", import.meta.url)),
  guest: fileURLToPath(new URL("provider.cjs", import.meta.url)),
};

const ONLY_WANTED = fileURLToPath(new URL("only-wanted.cjs", import.meta.url));

const STOPPERS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Lines kept of what the process wrote to its standard error. */
const KEPT_LINES = 20;

export type SuiteOptions = {
  /** The suite's own folder, built. */
  readonly folder: string;
  readonly way: Way;
  readonly env: NodeJS.ProcessEnv;
  /** Further options of the suite's runner. */
  readonly args: readonly string[];
  /** Milliseconds of silence after which the running case counts as hung. */
  readonly hungMs: number;
};

/** The names of all cases of a query, in the order in which they run. */
export async function listCases(folder: string, query: string): Promise<string[]> {
  if (!existsSync(path.join(folder, RUNNER))) {
    throw new SuiteError(`${folder} has no ${RUNNER}: docs/conformance.md says how to build it.`);
  }
  const child = spawn(process.execPath, [RUNNER, "--list", query], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const names: string[] = [];
  createInterface(child.stdout).on("line", (line) => {
    if (line.startsWith("webgpu:")) names.push(line);
  });
  const [code] = await once(child, "close");
  // What was listed so far would pass for all that there is.
  if (code !== 0) throw new SuiteError(`The suite can't list ${query} (exit code ${code}).`);
  if (names.length === 0) throw new SuiteError(`The suite has no case for ${query}.`);
  return names;
}

/**
 * Runs the wanted cases of a file. Where a case ends the process, or hangs, it is told so and another
 * process goes on with the rest. Ends early, without the case under way, when `signal` is aborted; throws SuiteError where
 * somebody else stops the process.
 */
export async function runFile(
  options: SuiteOptions,
  plan: FilePlan,
  signal: AbortSignal,
  onResult: (result: Result) => void,
): Promise<void> {
  const left = new Set(plan.wanted);
  while (left.size > 0 && !signal.aborted) {
    const before = left.size;
    const end = await runProcess(options, { ...plan, wanted: left }, signal, (result) => {
      if (left.delete(result.name)) onResult(result);
    });
    if (signal.aborted || left.size === 0) return;
    if (end.stopper !== undefined) {
      throw new SuiteError(
        `The suite's process was stopped by ${end.stopper}: what it was running has no result.`,
      );
    }
    if (end.status === undefined && left.size < before) continue;
    // One that began none of what is left would go on doing so.
    const [first = ""] = left;
    const name = end.during !== undefined && left.has(end.during) ? end.during : first;
    left.delete(name);
    onResult({ name, status: end.status ?? "ended", milliseconds: -1, log: end.words });
  }
}

type End = {
  readonly status: "ended" | "hung" | undefined;
  /** The case that was under way. */
  readonly during: string | undefined;
  /** The signal by which somebody ended the process: no fault of a case is one of these. */
  readonly stopper: string | undefined;
  readonly words: string;
};

async function runProcess(
  { folder, way, env, args, hungMs }: SuiteOptions,
  plan: FilePlan,
  signal: AbortSignal,
  onResult: (result: Result) => void,
): Promise<End> {
  const scratch = mkdtempSync(path.join(tmpdir(), "heliograph-conformance-"));
  try {
    const wanted = path.join(scratch, "wanted.cjs");
    const names = [folder, [...plan.wanted]].map((each) => JSON.stringify(each)).join(", ");
    writeFileSync(wanted, `require(${JSON.stringify(ONLY_WANTED)}).runOnly(${names});\n`);
    const command = [RUNNER, "--verbose", "--gpu-provider", PROVIDERS[way]];
    const child = spawn(
      process.execPath,
      ["--expose-gc", "--require", wanted, ...command, ...args, plan.query],
      { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] },
    );
    const words: string[] = [];
    let isHung = false;
    const silence = setTimeout(() => {
      isHung = true;
      child.kill("SIGKILL");
    }, hungMs);
    const output = new SuiteOutput(onResult);
    createInterface(child.stdout).on("line", (line) => {
      silence.refresh();
      output.line(line);
    });
    createInterface(child.stderr).on("line", (line) => {
      if (words.push(line) > KEPT_LINES) words.shift();
    });
    const stop = (): void => void child.kill("SIGKILL");
    signal.addEventListener("abort", stop);
    const [code, killer] = await once(child, "close");
    signal.removeEventListener("abort", stop);
    clearTimeout(silence);
    output.end();
    words.push(killer === null ? `exit code ${code}` : `ended by ${killer}`);
    return {
      status: isHung ? "hung" : output.isComplete ? undefined : "ended",
      during: output.underWay,
      stopper: STOPPERS.find((each) => each === killer),
      words: words.join("\n"),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
