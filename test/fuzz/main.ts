import { homedir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { unpackSoftwareVulkan } from "#server/worker/software-vulkan.ts";
import { keepCrasher } from "./crasher.ts";
import { type Result, run } from "./driver.ts";
import { TARGETS } from "./targets/all.ts";

// npm run fuzz -- [target…] [--messages N] [--seconds N] [--seed S] [--json]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of each target; absent: its share of a million. */
    messages: { type: "string" },
    /** For each target at most. */
    seconds: { type: "string" },
    /** Makes the same cases again. */
    seed: { type: "string" },
    /** One JSON object on standard output, and nothing else. */
    json: { type: "boolean", default: false },
  },
});

const names = positionals.length > 0 ? positionals : [...TARGETS.keys()];
const unknown = names.filter((name) => !TARGETS.has(name));
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (unknown.length > 0) {
  fail(`There is no target ${unknown.join(", ")}: choose of ${[...TARGETS.keys()].join(", ")}.`);
} else if (![seed, Number(values.messages ?? 1), Number(values.seconds ?? 1)].every(isCount)) {
  fail("--messages, --seconds and --seed take whole numbers.");
} else {
  // Processes under test inherit this: the dynamic linker reads it when one starts.
  const cache = path.join(homedir(), ".cache", "heliograph");
  Object.assign(process.env, await unpackSoftwareVulkan(cache));
  say(`Seed ${seed}.`);
  const results: Result[] = [];
  for (const name of names) results.push(await fuzz(name));
  report(results);
}

async function fuzz(name: string): Promise<Result> {
  const target = await TARGETS.get(name)!();
  say(`${name}: ${target.what}`);
  const result = await run(target, {
    seed,
    messages: Number(values.messages ?? target.share),
    ...(values.seconds === undefined ? {} : { maxMs: Number(values.seconds) * 1000 }),
    say,
  });
  const { messages, cases, seconds, memoryGrowth, workerDeaths, finding } = result;
  say(
    `${name}: ${messages} messages in ${cases} cases, ${seconds.toFixed(1)} s, ` +
      `${Math.round(memoryGrowth / 1024)} KiB more memory, ${workerDeaths.length} workers died.`,
  );
  for (const { seed: of, how } of workerDeaths.slice(0, 3)) say(`  case seed ${of}: ${how}`);
  if (finding !== undefined) {
    say(`${name} FAILS: ${finding.fault}`);
    // What only a whole run shows, such as growth of memory, has no messages to keep.
    if (finding.messages.length > 0) say(`  kept as ${await keepCrasher(finding)}`);
    say(`  the same run: npm run fuzz -- ${name} --seed ${seed}`);
  }
  return result;
}

function report(results: readonly Result[]): void {
  const sum = (pick: (result: Result) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  const findings = results.filter(({ finding }) => finding !== undefined).length;
  if (findings > 0) process.exitCode = 1;
  const messages = sum((result) => result.messages);
  const workerDeaths = sum((result) => result.workerDeaths.length);
  if (values.json) {
    const targets = Object.fromEntries(results.map(summary));
    process.stdout.write(
      `${JSON.stringify({ seed, messages, findings, workerDeaths, targets })}\n`,
    );
  } else {
    say(`${messages} messages, ${findings} findings, ${workerDeaths} workers died.`);
  }
}

function summary({
  target,
  messages,
  cases,
  seconds,
  memoryGrowth,
  workerDeaths,
  finding,
}: Result) {
  const figures = { messages, cases, seconds: Math.round(seconds), memoryGrowth };
  return [
    target,
    { ...figures, workerDeaths: workerDeaths.length, fault: finding?.fault ?? null },
  ] as const;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** What is no result: standard output is for that. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(sentence: string): void {
  say(sentence);
  process.exitCode = 2;
}
