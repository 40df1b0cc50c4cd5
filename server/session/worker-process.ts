import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import type { WorkerCommand } from "#server/confine/command.ts";
import { type HostUse, MAX_WORKER_PROCESSES } from "./host-watch.ts";
import { limitRate } from "./limited-stream.ts";
import { processorTime } from "./processor-time.ts";

/** What a worker prints a second. Bounds the gateway's time for one that prints without end. */
export const MAX_OUTPUT_BYTES_PER_SECOND = 256 * 1024;

/** A shell's and bubblewrap's way to say which signal ended a child: 128 and the signal's number. */
const SIGNALLED = 128;

/**
 * One GPU worker's process. Under bubblewrap it is the grandchild of the gateway's child: that one waits outside the
 * worker's namespaces, and its child is their init. The three end together, whichever dies first.
 */
export class WorkerProcess {
  /** Resolves when it is gone, with a sentence. */
  readonly exited: Promise<string>;
  readonly #child: ChildProcess;
  readonly #isWrapped: boolean;
  #pid: number;
  #init: number | undefined;
  #processes: readonly number[] = [];
  /** The host's newest process when these were looked up. */
  #newest = "";

  constructor(command: WorkerCommand, environment: Readonly<Record<string, string>>) {
    this.#isWrapped = command.isWrapped === true;
    this.#child = spawn(command.program, command.args, {
      // Of its own process group: Ctrl-C at the gateway's terminal is the gateway's to answer.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...command.environment, ...environment },
    });
    this.#pid = this.#child.pid ?? 0;
    this.exited = new Promise((resolve) => {
      this.#child.once("error", (error) =>
        resolve(`The GPU worker can't be run: ${error.message}.`),
      );
      this.#child.once("exit", (code, signal) =>
        resolve(describeExit(code, signal, this.#isWrapped)),
      );
    });
  }

  /** The worker's own, once it was located; as the host counts, not the worker. */
  get pid(): number {
    return this.#pid;
  }

  /** What it prints, no faster than MAX_OUTPUT_BYTES_PER_SECOND: then its writing waits. */
  onOutput(listener: (text: string) => void): void {
    const { stderr } = this.#child;
    if (stderr === null) return;
    limitRate(stderr, MAX_OUTPUT_BYTES_PER_SECOND);
    stderr.setEncoding("utf8").on("data", listener);
  }

  /** To be called once the worker has spoken, so that it is there, and before a guest commands it. */
  locate(): void {
    if (!this.#isWrapped || this.#init !== undefined) return;
    const [init] = childrenOf(this.#pid);
    const [worker] = init === undefined ? [] : childrenOf(init);
    if (worker === undefined) return; // It is dying: kill() ends what is left.
    this.#init = init;
    this.#newest = "";
    this.#pid = worker;
  }

  /** What it takes of the host now. Of more processes than it may have, some are left out. */
  get hostUse(): HostUse {
    const newest = newestProcess();
    if (newest === "" || newest !== this.#newest) {
      this.#processes = withDescendants(
        this.#init === undefined ? [this.#pid] : childrenOf(this.#init),
      );
      this.#newest = newest;
    }
    const processes = this.#processes;
    const bytes = processes.reduce((sum, pid) => sum + residentBytes(pid), 0);
    return { residentBytes: bytes, processes: processes.length };
  }

  /**
   * Milliseconds of processor time that it had so far, with that of whatever it started and waited for. Undefined where the
   * system does not tell.
   */
  get processorMs(): number | undefined {
    const own = this.#init === undefined ? [this.#pid] : [this.#init, this.#pid];
    const times = [...new Set([...own, ...this.#processes])].map((pid) => processorTime(pid));
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, time) => sum + time, 0);
  }

  /** At once, whatever it is doing. */
  kill(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      if (this.#init !== undefined) {
        // The worker itself, so that its wrapper, whose end is waited for, ends after it.
        process.kill(this.#pid, "SIGKILL");
      } else if (this.#pid !== 0) {
        process.kill(-this.#pid, "SIGKILL"); // With what it started, as far as that stayed in its group.
      }
    } catch {
      // It died a moment ago.
    }
  }
}

export const KILLED = "The GPU worker was ended by SIGKILL.";

function describeExit(
  code: number | null,
  signal: NodeJS.Signals | null,
  isWrapped: boolean,
): string {
  const ended = signal ?? (isWrapped ? signalOf(code ?? 0) : undefined);
  return ended === undefined
    ? `The GPU worker ended by itself with exit code ${code ?? 0}.`
    : `The GPU worker was ended by ${ended}.`;
}

function signalOf(code: number): string | undefined {
  const entries = Object.entries(constants.signals);
  return entries.find(([, number]) => number === code - SIGNALLED)?.[0];
}

/** The newest process or thread of the host (proc(5), loadavg): as long as it is the same, none began. */
function newestProcess(): string {
  return readProcess("loadavg").trim().split(" ").at(-1) ?? "";
}

function withDescendants(roots: readonly number[]): number[] {
  const all = [...roots];
  for (let at = 0; at < all.length && all.length <= MAX_WORKER_PROCESSES; at++) {
    all.push(...childrenOf(all[at]!));
  }
  return all.slice(0, MAX_WORKER_PROCESSES + 1);
}

/** Of all threads of a process; those of its first thread come first, oldest first. */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const list = readProcess(`${pid}/task/${thread}/children`).trim();
    return list === "" ? [] : list.split(" ").map(Number);
  });
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // The process is gone.
  }
}

function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readProcess(`${pid}/status`)) ?? [];
  return Number(kibibytes ?? 0) * 1024;
}

/** Of the kernel's memory, so that reading waits for nothing. Empty when the process is gone. */
function readProcess(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, "utf8");
  } catch {
    return "";
  }
}
