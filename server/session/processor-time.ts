import { readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second. */
const MILLISECONDS_A_TICK = 10;

/**
 * Milliseconds of processor time that the process has had, with what its children had that ended and that it waited for;
 * undefined where the system does not tell.
 */
export function processorTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8"); // Of the kernel's memory: reading waits for nothing.
    // The name, in parentheses, may hold anything; proc(5) counts utime, stime, cutime and cstime as 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
    return ticks * MILLISECONDS_A_TICK;
  } catch {
    return undefined;
  }
}
