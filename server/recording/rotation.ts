import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";

export const RECORDING_SUFFIX = ".hgrec";

/** What the recordings of one session may take of the disk. Bounds what a VM that is recorded can fill. */
export type RecordingLimits = {
  /** Bytes of one file. */
  readonly fileBytes: number;
  readonly files: number;
  /** Bytes of all files. */
  readonly totalBytes: number;
};

/**
 * Removes a session's oldest recordings until one more has room. `open` are those that still grow: each counts as long as it
 * may become, and stays. False: those alone leave no room.
 */
export async function makeRoom(
  folder: string,
  open: ReadonlySet<string>,
  limits: RecordingLimits,
): Promise<boolean> {
  const most = limits.totalBytes - (open.size + 1) * limits.fileBytes;
  if (most < 0 || open.size + 1 > limits.files) return false;
  const closed: { readonly file: string; readonly bytes: number }[] = [];
  // Their names begin with the time.
  for (const name of (await readdir(folder)).toSorted()) {
    const file = path.join(folder, name);
    if (!name.endsWith(RECORDING_SUFFIX) || open.has(file)) continue;
    closed.push({ file, bytes: (await stat(file)).size });
  }
  let bytes = closed.reduce((sum, each) => sum + each.bytes, 0);
  let files = closed.length + open.size + 1;
  for (const each of closed) {
    if (bytes <= most && files <= limits.files) break;
    await rm(each.file, { force: true });
    bytes -= each.bytes;
    files--;
  }
  return true;
}
