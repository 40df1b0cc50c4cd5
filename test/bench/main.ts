import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { core } from "./core.ts";
import { delay } from "./delay.ts";
import { toJson, toTable } from "./figures.ts";
import { replay } from "./replay.ts";
import { sharing } from "./sharing/sharing.ts";
import { soak } from "./soak.ts";
import type { Suite } from "./suite.ts";

const SUITES: ReadonlyMap<string, Suite> = new Map([
  ["core", { parts: [], run: core }],
  ["sharing", sharing],
  ["delay", delay],
  ["soak", { parts: [], run: soak }],
  ["replay", { parts: [], run: replay }],
]);

const HELP = `npm run bench -- [SUITE] [OPTIONS]

Suites: ${[...SUITES.keys()].join(", ")}; core unless another is named.

  --json         one JSON object on standard output, and nothing else
  --quick        a look at whether all still works; its figures are too few to compare
  --minutes N    of soak (5) and of sharing's eight guests (10)
  --only PART    that part alone; several are named by several --only
${[...SUITES].flatMap(([name, { parts }]) => partsText(name, parts)).join("\n")}
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    minutes: { type: "string" },
    only: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});

const [name = "core"] = positionals;
const suite = SUITES.get(name);
const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
const unknown = values.only.find((part) => suite?.parts.includes(part) !== true);
if (values.help) {
  process.stdout.write(HELP);
} else if (suite === undefined) {
  fail(`There is no suite ${name}: choose one of ${[...SUITES.keys()].join(", ")}.`);
} else if (minutes !== undefined && !(minutes > 0)) {
  fail(`--minutes ${values.minutes} is not a number above 0.`);
} else if (unknown !== undefined) {
  fail(`Suite ${name} has no part ${unknown}: see --help.`);
} else {
  const began = new Date();
  const figures = await suite.run({ isQuick: values.quick, minutes, only: values.only, say });
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}`;
  if (values.json) {
    const about = { suite: name, date: began.toISOString(), machine, quick: values.quick };
    process.stdout.write(`${JSON.stringify({ ...about, ...toJson(figures) })}\n`);
  } else {
    process.stdout.write(`${name} on ${machine}\n\n${toTable(figures)}\n`);
  }
}

function partsText(suiteName: string, parts: readonly string[]): string[] {
  return parts.length === 0 ? [] : [`                 of ${suiteName}: ${parts.join(", ")}`];
}

/** What is no result: standard output is for that. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function fail(sentence: string): void {
  say(sentence);
  process.exitCode = 2;
}
