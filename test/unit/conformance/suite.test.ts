import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Result } from "#test/conformance/results.ts";
import { listCases, runFile } from "#test/conformance/suite.ts";

// The suite itself is not in the tree: this has its folders, and a runner that prints as its does.

/** Long enough for a process to start, and to print, on a busy machine. */
const HUNG_MS = 5000;

const nameOf = (which: string) => `webgpu:a:${which}:x="(1ms). Log:"`;

/** What each case does, in the suite's order. */
const CASES = {
  first: "pass",
  second: "process.exit(1)",
  third: "fail",
  fourth: "await new Promise(() => setInterval(() => {}, 1000))",
  fifth: "skip",
};
/** Beside them: what happens to a process when its group is sent a signal, as `timeout` does. */
const STOPPED = "stopped";
const STOP = 'process.kill(process.pid, "SIGTERM"); await new Promise(() => {})';
const SOURCE = Object.entries({ ...CASES, [STOPPED]: STOP }).map(([which, does]) => {
  const body = does.includes("(") ? does : `return ${JSON.stringify(does)}`;
  return `{ query: ${JSON.stringify(nameOf(which))}, async run() { ${body} } }`;
});
const LOADER = `exports.TestFileLoader = class {
  async loadCases() { return [${SOURCE.join(", ")}].values(); }
};`;
const RUNNER = `const { TestFileLoader } = require("../internal/file_loader.js");
(async () => {
  for (const each of await new TestFileLoader().loadCases()) {
    if (process.argv.includes("--list")) {
      console.log(each.query);
      if (process.argv.includes("webgpu:broken:*")) process.exit(1);
      continue;
    }
    const status = await each.run();
    console.log("a word of Dawn's[" + status + "] " + each.query + " (2ms). Log:");
  }
  if (process.argv.includes("--list")) return;
  console.log("** Summary **");
  process.exit(0);
})();`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-suite-"));
  const common = path.join(folder, "out-node/common");
  await mkdir(path.join(common, "runtime"), { recursive: true });
  await mkdir(path.join(common, "internal"));
  await writeFile(path.join(common, "internal/file_loader.js"), LOADER);
  await writeFile(path.join(common, "runtime/cmdline.js"), RUNNER);
});
afterAll(() => rm(folder, { recursive: true }));

async function statuses(wanted: readonly string[]): Promise<[string, string][]> {
  const results: Result[] = [];
  await runFile(
    { folder, way: "direct", env: process.env, args: [], hungMs: HUNG_MS },
    { query: "webgpu:a:*", wanted: new Set(wanted) },
    new AbortController().signal,
    (result) => results.push(result),
  );
  return results.map((result) => [result.name, result.status]);
}

const ran = (...all: [string, string][]) => all.map(([which, status]) => [nameOf(which), status]);

test("what ends the process, or hangs, is the case that was under way", async () => {
  expect(await statuses(Object.keys(CASES).map(nameOf))).toEqual(
    ran(
      ["first", "pass"],
      ["second", "ended"],
      ["third", "fail"],
      ["fourth", "hung"],
      ["fifth", "skip"],
    ),
  );
});

test("so it is where queries name the cases in another order than the suite's", async () => {
  expect(await statuses(["third", "second", "first"].map(nameOf))).toEqual(
    ran(["first", "pass"], ["second", "ended"], ["third", "fail"]),
  );
});

test("no case runs that is not wanted, and one that the suite does not have has failed", async () => {
  expect(await statuses(["third", "sixth"].map(nameOf))).toEqual(
    ran(["third", "fail"], ["sixth", "ended"]),
  );
});

test("a process that somebody stops leaves no case that failed", async () => {
  await expect(statuses([nameOf(STOPPED)])).rejects.toThrow(
    "The suite's process was stopped by SIGTERM: what it was running has no result.",
  );
});

test("all cases are listed, or a sentence says why not", async () => {
  expect(await listCases(folder, "webgpu:a:*")).toEqual(
    [...Object.keys(CASES), STOPPED].map(nameOf),
  );
  await expect(listCases(folder, "webgpu:broken:*")).rejects.toThrow(
    "The suite can't list webgpu:broken:* (exit code 1).",
  );
  await expect(listCases(tmpdir(), "webgpu:a:*")).rejects.toThrow(
    "docs/conformance.md says how to build it.",
  );
});
