import { execFile } from "node:child_process";
import { glob, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Loading a worker's code takes half a second; on a machine that is busy with guests, more. */
const TIMEOUT_MS = 60_000;

const ROOT = path.resolve(import.meta.dirname, "../..");
const EXTENSION = path.extname(import.meta.filename);
const PROGRAM = fileURLToPath(new URL(`../worker/compiled${EXTENSION}`, import.meta.url));

/**
 * Fills Node's compile cache with what a worker loads, where our code changed since it was filled. In a process of its own
 * that no guest reaches, and that yields to all others. Resolves when workers may read `folder`; rejects where it can't be
 * filled.
 */
export async function compileWorkerCode(folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const filledFor = path.join(folder, "worker-code.txt");
  const version = await codeVersion();
  if ((await readFile(filledFor, "utf8").catch(() => "")) === version) return;
  await run({ PATH: process.env["PATH"], NODE_COMPILE_CACHE: folder }, signal);
  await writeFile(filledFor, version, { mode: 0o600 });
}

/** Another one after each change of a file, of packages or of Node. Node itself sees at each file whether it changed. */
async function codeVersion(): Promise<string> {
  const times = [await changed(path.join(ROOT, "node_modules/.package-lock.json"))];
  for await (const file of glob(`{server,shared}/**/*${EXTENSION}`, { cwd: ROOT })) {
    times.push(await changed(path.join(ROOT, file)));
  }
  return `${process.version} ${ROOT} ${times.length} ${Math.max(...times)}`;
}

async function changed(file: string): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  return found?.mtimeMs ?? 0;
}

function run(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env, signal, timeout: TIMEOUT_MS, killSignal: "SIGKILL" } as const;
    const child = execFile(process.execPath, [PROGRAM], options, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  });
}
