import { readdir, readFile } from "node:fs/promises";

/** Clock ticks a second in /proc (USER_HZ, 100 on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100;

/** User and system time that a process and its reaped threads have used, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name may hold spaces and brackets: fields are counted after the last ")".
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Processor time that a process's living threads have used, in milliseconds, to the nanosecond (Linux, schedstat). */
export async function threadsMs(pid: number): Promise<number> {
  let nanoseconds = 0;
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const stat = await readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0");
    nanoseconds += Number(stat.split(" ")[0]);
  }
  return nanoseconds / 1e6;
}

/** Proportional set size in bytes (Linux, smaps_rollup). */
export async function proportionalSetSize(pid: number): Promise<number> {
  return kibibytes(await readFile(`/proc/${pid}/smaps_rollup`, "utf8"), "Pss");
}

/** Resident set size in bytes. */
export async function residentSetSize(pid: number): Promise<number> {
  return kibibytes(await readFile(`/proc/${pid}/status`, "utf8"), "VmRSS");
}

function kibibytes(text: string, key: string): number {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text);
  if (match === null) throw new Error(`The kernel shows no ${key}.`);
  return Number(match[1]) * 1024;
}

/** The process and all its descendants that are alive, parents first. */
export async function processTree(pid: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, "utf8").catch(() => undefined);
    if (stat === undefined) continue;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree = [pid];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!) ?? []));
  return tree;
}

/** The command line of a process, or undefined once it is gone. */
export async function commandLine(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => undefined);
  return text?.replaceAll("\0", " ").trim();
}

/** The process that runs a program of this name with this text in its environment; none of bubblewrap's. */
export async function findProcess(program: string, text: string): Promise<number | undefined> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const line = await commandLine(pid);
    if (line?.includes(program) !== true || isBubblewrap(line)) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.includes(text)) return pid;
  }
  return undefined;
}

/** Of a command line: bubblewrap's processes have what they run among their arguments. */
export function isBubblewrap(line: string): boolean {
  return /^\S*\b(bwrap|prlimit) /.test(line);
}

/** Whether the process exists and is not a zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat !== undefined && !stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}
