import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compileWorkerCode } from "#server/session/worker-code.ts";

let folder: string;
const { signal } = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-compiled-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** What Node wrote: one file for each of ours, in a folder for its version. */
async function compiled(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.parentPath !== folder)
    .map((entry) => path.join(entry.parentPath, entry.name));
}

test(
  "a worker's code is compiled once, and again when it changed",
  { timeout: 60_000 },
  async () => {
    await compileWorkerCode(folder, signal);
    const files = await compiled();
    expect(files.length).toBeGreaterThan(100);

    const old = new Date(0);
    const stamp = path.join(folder, "worker-code.txt");
    await utimes(stamp, old, old);
    await compileWorkerCode(folder, signal);
    expect((await stat(stamp)).mtime).toEqual(old);

    await writeFile(stamp, "of another version");
    await compileWorkerCode(folder, signal);
    expect(await readFile(stamp, "utf8")).toContain(process.version);
    expect(await compiled()).toEqual(files); // Node knew each of them.
  },
);

test("a folder that can't be filled is told, and so is an end that is asked for", async () => {
  const file = path.join(folder, "file");
  await writeFile(file, "");
  await expect(compileWorkerCode(path.join(file, "under"), signal)).rejects.toThrow("ENOTDIR");
  await expect(compileWorkerCode(folder, AbortSignal.abort())).rejects.toThrow("aborted");
  expect(await compiled()).toEqual([]);
});
