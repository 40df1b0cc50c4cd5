import { access, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { constants, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MAX_TEMPORARY_BYTES } from "./bubblewrap.ts";
import type { WorkerCommand } from "./command.ts";

// Control groups of version 2 (Linux, admin-guide/cgroup-v2). A process may make groups where its system says so: systemd,
// with Delegate=, and DelegateSubgroup=gateway puts the gateway into a group of this name within. Its workers' come beside.

const MOUNT = "/sys/fs/cgroup";
const OWN_GROUP = "gateway";
const WORKER_GROUP = /^worker-\d+$/;
const CONTROLLERS = ["memory", "pids"] as const;

/**
 * Of the kernel's own for a worker: page tables, pipes, and what a driver locks. Beyond what its profile allows and its /tmp
 * holds, so that a HostWatch, which says more, comes first where memory is a process's.
 */
const KERNEL_BYTES = 128 * 1024 * 1024;

/** Threads and processes of a worker; one that has just started on two cores has 30. Bounds the host's table of them. */
export const MAX_WORKER_TASKS = 512;

/** A group is gone some milliseconds after its last process; one that is not is left for the next start. */
const REMOVALS = 40;
const REMOVAL_INTERVAL_MS = 50;

/** The groups of one gateway's workers. */
export class ControlGroups {
  readonly #folder: string;
  #workers = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined where the system lets the gateway make none; a string says why one that it may make is of no use. */
  static async find(
    own: string = "/proc/self/cgroup",
    mount: string = MOUNT,
  ): Promise<ControlGroups | string | undefined> {
    const [, group] = /^0::(\/.*)$/m.exec(await readFile(own, "utf8").catch(() => "")) ?? [];
    if (group === undefined || path.posix.basename(group) !== OWN_GROUP) return undefined;
    const folder = path.join(mount, path.posix.dirname(group));
    try {
      await access(path.join(folder, "cgroup.procs"), constants.W_OK);
      const enable = CONTROLLERS.map((name) => `+${name}`).join(" ");
      await writeFile(path.join(folder, "cgroup.subtree_control"), enable);
    } catch (error) {
      return `Its control group is named ${OWN_GROUP}, but none can be made beside it: ${messageOf(error)}.`;
    }
    // Of a gateway that was killed.
    const left = (await readdir(folder)).filter((name) => WORKER_GROUP.test(name));
    await Promise.all(left.map((name) => rmdir(path.join(folder, name)).catch(() => {})));
    return new ControlGroups(folder);
  }

  /** A group for a worker that may take so many bytes of the host's memory. Whoever made it removes it. */
  async make(maxBytes: number): Promise<ControlGroup> {
    for (;;) {
      const folder = path.join(this.#folder, `worker-${++this.#workers}`);
      try {
        await mkdir(folder);
      } catch (error) {
        if (isCode(error, "EEXIST")) continue; // Something lives in it yet.
        throw error;
      }
      const group = new ControlGroup(folder);
      try {
        await writeFile(path.join(folder, "pids.max"), String(MAX_WORKER_TASKS));
        await writeFile(path.join(folder, "memory.oom.group"), "1");
        // Absent where the kernel has no swap.
        await writeFile(path.join(folder, "memory.swap.max"), "0", { flag: "r+" }).catch(() => {});
        await group.limit(maxBytes);
        return group;
      } catch (error) {
        await group.remove();
        throw error;
      }
    }
  }
}

/** One worker's. */
export class ControlGroup {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Bytes of the host's memory that the worker may take, from now on. */
  async limit(maxBytes: number): Promise<void> {
    const most = maxBytes + MAX_TEMPORARY_BYTES + KERNEL_BYTES;
    await writeFile(path.join(this.#folder, "memory.max"), String(most));
  }

  /** The command in the group from its first instruction on, and all that it starts. */
  around(command: WorkerCommand): WorkerCommand {
    // 0 is whoever writes it.
    const join = 'echo 0 > "$0" && exec "$@"';
    const file = path.join(this.#folder, "cgroup.procs");
    return {
      ...command,
      program: "/bin/sh",
      args: ["-c", join, file, command.program, ...command.args],
    };
  }

  /** The kernel killed the worker since it took more. Waits for nothing: it is the kernel's memory that is read. */
  get wasFull(): boolean {
    try {
      const events = readFileSync(path.join(this.#folder, "memory.events"), "utf8");
      return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0) > 0;
    } catch {
      return false;
    }
  }

  /** When its last process ended. Never rejects. */
  async remove(): Promise<void> {
    for (let attempt = 0; attempt < REMOVALS; attempt++) {
      try {
        await rmdir(this.#folder);
        return;
      } catch (error) {
        if (!isCode(error, "EBUSY")) return;
        await delay(REMOVAL_INTERVAL_MS);
      }
    }
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
