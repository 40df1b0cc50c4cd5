import { groupOf } from "./case-name.ts";
import type { Result, Status, Way } from "./results.ts";

type Outcome = "pass" | "skip" | "fail";

/** Times that a case which differs is run again each way, before it counts. */
export const RUNS_AGAIN = 3;

const OUTCOMES: Readonly<Record<Status, Outcome>> = {
  pass: "pass",
  warn: "pass",
  skip: "skip",
  fail: "fail",
  ended: "fail",
  hung: "fail",
};

const HEAD =
  "group | cases | pass direct | pass guest | skip direct | skip guest | fail direct | fail guest | s direct | s guest";
const RULE = "---|---|---|---|---|---|---|---|---|---";

/** Whether a case that has these two does not do as a guest what it does directly. */
export function passesDirectlyOnly(direct: Status | undefined, guest: Status): boolean {
  return direct !== undefined && OUTCOMES[direct] === "pass" && OUTCOMES[guest] !== "pass";
}

type Counts = Record<Outcome, number>;

export type Total = {
  readonly group: string;
  /** Cases that ran both ways. */
  cases: number;
  readonly direct: Counts;
  readonly guest: Counts;
  /** Milliseconds in the cases themselves, without the start of the suite's processes. */
  readonly time: Record<Way, number>;
};

export type Difference = {
  readonly name: string;
  readonly direct: Outcome;
  readonly guest: Outcome;
  /** Passes of RUNS_AGAIN; undefined until it was run again. */
  readonly again: Readonly<Record<Way, number>> | undefined;
  /** What the suite said of it as a guest. */
  readonly log: string;
};

export type Runs = {
  readonly direct: ReadonlyMap<string, Result>;
  readonly guest: ReadonlyMap<string, Result>;
  readonly directAgain: ReadonlyMap<string, readonly Result[]>;
  readonly guestAgain: ReadonlyMap<string, readonly Result[]>;
};

export function totals({ direct, guest }: Pick<Runs, "direct" | "guest">): Total[] {
  const groups = new Map<string, Total>();
  for (const [name, { status, milliseconds }] of direct) {
    const other = guest.get(name);
    if (other === undefined) continue;
    const group = groupOf(name);
    const total = groups.get(group) ?? startOf(group);
    groups.set(group, total);
    total.cases++;
    total.direct[OUTCOMES[status]]++;
    total.guest[OUTCOMES[other.status]]++;
    // What ended or hung has no time of its own.
    total.time.direct += Math.max(0, milliseconds);
    total.time.guest += Math.max(0, other.milliseconds);
  }
  return [...groups.values()];
}

/** The cases whose outcome is another as a guest. */
export function differences({ direct, guest, directAgain, guestAgain }: Runs): Difference[] {
  const found: Difference[] = [];
  for (const [name, { status }] of direct) {
    const other = guest.get(name);
    if (other === undefined || OUTCOMES[other.status] === OUTCOMES[status]) continue;
    const again = {
      direct: passesOf(directAgain.get(name)),
      guest: passesOf(guestAgain.get(name)),
    };
    found.push({
      name,
      direct: OUTCOMES[status],
      guest: OUTCOMES[other.status],
      again:
        again.direct === undefined || again.guest === undefined
          ? undefined
          : { direct: again.direct, guest: again.guest },
      log: other.log ?? "",
    });
  }
  return found;
}

/** Passes directly, most times, and does not as a guest. What was not run again yet counts. */
export function isRegression({ direct, again }: Difference): boolean {
  if (again === undefined) return direct === "pass";
  const most = RUNS_AGAIN / 2;
  return again.direct > most && again.guest < most;
}

export function toTable(all: readonly Total[]): string {
  const rows = all.map(({ group, cases, direct, guest, time }) => {
    const outcomes = [direct.pass, guest.pass, direct.skip, guest.skip, direct.fail, guest.fail];
    const seconds = [time.direct, time.guest].map((ms) => Math.round(ms / 1000));
    return [group, cases, ...outcomes, ...seconds].join(" | ");
  });
  return [`| ${HEAD} |`, `|${RULE}|`, ...rows.map((row) => `| ${row} |`)].join("\n");
}

/** Passes in the last RUNS_AGAIN runs; undefined where there are fewer. */
function passesOf(runs: readonly Result[] = []): number | undefined {
  if (runs.length < RUNS_AGAIN) return undefined;
  return runs.slice(-RUNS_AGAIN).filter(({ status }) => OUTCOMES[status] === "pass").length;
}

function startOf(group: string): Total {
  return { group, cases: 0, direct: none(), guest: none(), time: { direct: 0, guest: 0 } };
}

function none(): Counts {
  return { pass: 0, skip: 0, fail: 0 };
}
