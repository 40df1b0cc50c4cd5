import { readFile } from "node:fs/promises";
import path from "node:path";
import { ControlGroups } from "./control-groups.ts";

const GROUPS = "/sys/fs/cgroup";
const GIBIBYTE = 1024 ** 3;

/** What bounds the host's memory that the gateway and its workers take, beside the look at each worker. */
export type MemoryCap = {
  /** Of the kernel's control group; absent where none bounds it. */
  readonly bytes?: number;
  /** Each worker's is bounded besides, by a group of its own. */
  readonly hasWorkerGroups: boolean;
  readonly sentence: string;
  /** What would bound it. */
  readonly nextStep?: string;
};

const LOOKED_AT = "each worker's is looked at four times a second (hostMemoryMb)";
const GROUPED = "each worker's is bounded by one of its own (hostMemoryMb)";

const NEXT_STEP =
  "Start the gateway as a systemd service with MemoryMax= and, for a group for each worker, Delegate=memory pids and " +
  "DelegateSubgroup=gateway, or under systemd-run --user --scope -p MemoryMax=16G, to bound what the host can lose.";

/** Of this process and all that it starts. Where the system has no control groups (version 2), nothing bounds it. */
export async function findMemoryCap(
  groups: ControlGroups | string | undefined,
  read: (file: string) => Promise<string> = (file) => readFile(file, "utf8"),
): Promise<MemoryCap> {
  const hasWorkerGroups = groups instanceof ControlGroups;
  const bytes = await leastBound(read);
  const whole =
    bytes === undefined
      ? "No control group bounds the memory of gateway and workers"
      : `A control group bounds the memory of gateway and workers to ${(bytes / GIBIBYTE).toFixed(1)} GiB`;
  const sentence = `${whole}; ${hasWorkerGroups ? GROUPED : LOOKED_AT}.`;
  return {
    ...(bytes === undefined ? {} : { bytes }),
    hasWorkerGroups,
    sentence: typeof groups === "string" ? `${sentence} ${groups}` : sentence,
    ...(bytes === undefined ? { nextStep: NEXT_STEP } : {}),
  };
}

/** The least of the bounds of the process's control group and of those around it. */
async function leastBound(read: (file: string) => Promise<string>): Promise<number | undefined> {
  const [, group] = /^0::(\/.*)$/m.exec(await textOf(read, "/proc/self/cgroup")) ?? [];
  if (group === undefined) return undefined;
  const bounds: number[] = [];
  for (let at = group; at !== "/"; at = path.posix.dirname(at)) {
    const bound = await textOf(read, path.posix.join(GROUPS, at, "memory.max"));
    if (/^\d+$/.test(bound.trim())) bounds.push(Number(bound));
  }
  return bounds.length === 0 ? undefined : Math.min(...bounds);
}

/** Empty where there is none. */
async function textOf(read: (file: string) => Promise<string>, file: string): Promise<string> {
  try {
    return await read(file);
  } catch {
    return "";
  }
}
