import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { type ConfiningPrograms, underBubblewrap } from "./bubblewrap.ts";
import type { WorkerCommand, WorkerProgram } from "./command.ts";
import { nodePermissions } from "./node-permissions.ts";
import { explainRefusal, type NamespaceSettings, NOT_INSTALLED, type Refusal } from "./refusal.ts";

/** "auto": as well as this machine can. "require": no worker without. "off": never. */
export type WantedConfinement = "auto" | "require" | "off";

/** What keeps GPU workers from the rest of the host. */
export type Confinement = {
  readonly kind: "bubblewrap" | "unconfined";
  readonly sentence: string;
  /** What to do about it, in a sentence, where it is less than it could be. */
  readonly nextStep?: string;
  /** No worker may be started: confinement is required, and there is none. */
  readonly forbidsWorkers: boolean;
  readonly command: (worker: WorkerProgram) => WorkerCommand;
};

/** A kernel that makes namespaces, makes them at once. */
const PROBE_TIMEOUT_MS = 5_000;

const OFF: Refusal = {
  reason: "confinement is off in the config",
  nextStep: 'Set confinement to "auto", or give tokens only to guests that you trust.',
};

/** Tries what a worker is started with, on a program that does nothing. Never rejects. */
export async function findConfinement(
  wanted: WantedConfinement,
  /** Where programs are looked for: folders parted by colons. */
  searchPath: string,
): Promise<Confinement> {
  if (wanted === "off") return unconfined(OFF, false, (worker) => plain(worker, []));
  const found = await findPrograms(searchPath);
  const refusal = found === undefined ? NOT_INSTALLED : await tryPrograms(found);
  if (found !== undefined && refusal === undefined) {
    return {
      kind: "bubblewrap",
      sentence: "GPU workers are confined by bubblewrap and Node's permissions.",
      forbidsWorkers: false,
      command: (worker) => underBubblewrap(found, worker),
    };
  }
  return withoutBubblewrap(wanted, refusal ?? NOT_INSTALLED);
}

/** What is left where bubblewrap can't be used: Node's permissions alone. */
export function withoutBubblewrap(wanted: WantedConfinement, refusal: Refusal): Confinement {
  return unconfined(refusal, wanted === "require", (worker) =>
    plain(worker, nodePermissions(worker.main)),
  );
}

function unconfined(
  { reason, nextStep }: Refusal,
  forbidsWorkers: boolean,
  command: Confinement["command"],
): Confinement {
  const sentence = forbidsWorkers
    ? `GPU workers do not start, since confinement is required and ${reason}.`
    : `GPU workers run unconfined, with this user's files and network: ${reason}.`;
  return { kind: "unconfined", sentence, nextStep, forbidsWorkers, command };
}

function plain({ main, environment }: WorkerProgram, options: readonly string[]): WorkerCommand {
  return { program: process.execPath, args: [...options, main], environment };
}

async function findPrograms(searchPath: string): Promise<ConfiningPrograms | undefined> {
  const [bwrap, prlimit] = await Promise.all(
    ["bwrap", "prlimit"].map((name) => findProgram(name, searchPath)),
  );
  return bwrap === undefined || prlimit === undefined ? undefined : { bwrap, prlimit };
}

async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(":")) {
    if (!path.isAbsolute(folder)) continue;
    const file = path.join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
}

async function tryPrograms(programs: ConfiningPrograms): Promise<Refusal | undefined> {
  const { program, args, environment } = underBubblewrap(programs, {
    main: path.join(import.meta.dirname, `nothing${path.extname(import.meta.filename)}`),
    environment: {},
    usesDevices: true,
    sockets: [],
    secrets: [],
  });
  const printed = await new Promise<string | undefined>((resolve) => {
    const options = { env: { ...environment }, timeout: PROBE_TIMEOUT_MS } as const;
    execFile(program, args, options, (error, _stdout, stderr) => {
      if (error === null) resolve(undefined);
      else resolve(error.killed === true ? "no answer for 5 s" : stderr);
    });
  });
  if (printed !== undefined) return explainRefusal(printed, await namespaceSettings());
  // Without it, the worker is not found among bubblewrap's processes.
  const listsChildren = await access("/proc/thread-self/children").then(
    () => true,
    () => false,
  );
  if (listsChildren) return undefined;
  return {
    reason: "this kernel lists no children of processes (it lacks CONFIG_PROC_CHILDREN)",
    nextStep: "Run a kernel that has it, as those of Linux distributions do.",
  };
}

async function namespaceSettings(): Promise<NamespaceSettings> {
  const [clone, appArmor, most] = await Promise.all(
    [
      "kernel/unprivileged_userns_clone",
      "kernel/apparmor_restrict_unprivileged_userns",
      "user/max_user_namespaces",
    ].map((name) => readFile(`/proc/sys/${name}`, "utf8").catch(() => undefined)),
  );
  return {
    ...(clone === undefined ? {} : { clone: clone.trim() }),
    ...(appArmor === undefined ? {} : { appArmor: appArmor.trim() }),
    ...(most === undefined ? {} : { most: most.trim() }),
  };
}
