import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { core } from "./core.ts";
import { toJson, toTable } from "./figures.ts";
import { replay } from "./replay.ts";
import { sharing } from "./sharing.ts";
import { soak } from "./soak.ts";
import type { Suite } from "./suite.ts";

// npm run bench -- [suite] [--json] [--quick] [--minutes N]

const SUITES: ReadonlyMap<string, Suite> = new Map([
  ["core", core],
  ["sharing", sharing],
  ["soak", soak],
  ["replay", replay],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** One JSON object on standard output, and nothing else. */
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    /** Of the soak. */
    minutes: { type: "string", default: "5" },
  },
});

const [name = "core"] = positionals;
const suite = SUITES.get(name);
const minutes = Number(values.minutes);
if (suite === undefined) {
  fail(`There is no suite ${name}: choose one of ${[...SUITES.keys()].join(", ")}.`);
} else if (!(minutes > 0)) {
  fail(`--minutes ${values.minutes} is not a number above 0.`);
} else {
  const began = new Date();
  const figures = await suite({ isQuick: values.quick, minutes, say });
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}`;
  if (values.json) {
    const about = { suite: name, date: began.toISOString(), machine, quick: values.quick };
    process.stdout.write(`${JSON.stringify({ ...about, ...toJson(figures) })}\n`);
  } else {
    process.stdout.write(`${name} on ${machine}\n\n${toTable(figures)}\n`);
  }
}

/** What is no result: standard output is for that. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(sentence: string): void {
  say(sentence);
  process.exitCode = 2;
}
