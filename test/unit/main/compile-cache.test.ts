import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const HELIOGRAPH = fileURLToPath(new URL("../../../bin/heliograph.ts", import.meta.url));

test.for([
  { who: "nobody", env: {}, kept: "cache/heliograph/compiled" },
  { who: "NODE_COMPILE_CACHE", env: { NODE_COMPILE_CACHE: "elsewhere" }, kept: "elsewhere" },
  { who: "NODE_DISABLE_COMPILE_CACHE", env: { NODE_DISABLE_COMPILE_CACHE: "1" }, kept: undefined },
])("what Node compiled of a command is kept in $kept as $who says", async ({ env, kept }) => {
  const cwd = await mkdtemp(path.join(tmpdir(), "heliograph-compiled-"));
  await promisify(execFile)(process.execPath, [HELIOGRAPH, "--help"], {
    cwd,
    env: { PATH: process.env["PATH"], XDG_CACHE_HOME: path.join(cwd, "cache"), ...env },
  });
  const folders = (await readdir(cwd, { recursive: true })).filter((name) => /v[^/]*$/.test(name));
  expect(folders.map((name) => path.dirname(name))).toEqual(kept === undefined ? [] : [kept]);
  await rm(cwd, { recursive: true });
});
