import { readFile } from "node:fs/promises";
import path from "node:path";

const GROUPS = "/sys/fs/cgroup";
const GIBIBYTE = 1024 ** 3;

/** What bounds the host's memory that the gateway and its workers take, beside the look at each worker. */
export type MemoryCap = {
  /** Of the kernel's control group; absent where none bounds it. */
  readonly bytes?: number;
  readonly sentence: string;
  /** What would bound it. */
  readonly nextStep?: string;
};

const LOOKED_AT = "each worker's is looked at four times a second besides (hostMemoryMb)";

/** Of this process and all that it starts. Where the system has no control groups (version 2), nothing bounds it. */
export async function findMemoryCap(
  read: (file: string) => Promise<string> = (file) => readFile(file, "utf8"),
): Promise<MemoryCap> {
  const bytes = await leastBound(read);
  if (bytes !== undefined) {
    const gibibytes = (bytes / GIBIBYTE).toFixed(1);
    return {
      bytes,
      sentence: `A control group bounds the memory of gateway and workers to ${gibibytes} GiB; ${LOOKED_AT}.`,
    };
  }
  return {
    sentence: `No control group bounds the memory of gateway and workers; ${LOOKED_AT}.`,
    nextStep:
      "Start the gateway as a systemd service with MemoryMax=, or under " +
      "systemd-run --user --scope -p MemoryMax=16G, to bound what the host can lose.",
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
