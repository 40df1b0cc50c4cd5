import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import type { WorkerProgram } from "#server/confine/command.ts";
import { findConfinement, type WantedConfinement } from "#server/confine/confinement.ts";

const WORKER: WorkerProgram = {
  main: "/somewhere/worker.ts",
  environment: { HOME: "/home/someone" },
  usesDevices: false,
  compileCache: "/somewhere/compiled", // For bubblewrap alone.
  sockets: [],
  secrets: [],
};

/** A folder with programs that print and fail as told, in place of bubblewrap. */
async function folderOf(programs: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-programs-"));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(folder, name), 0o755);
  }
  return folder;
}

test.for<{ wanted: WantedConfinement; forbids: boolean; says: RegExp }>([
  { wanted: "auto", forbids: false, says: /^GPU workers run unconfined.*not installed\.$/ },
  { wanted: "require", forbids: true, says: /^GPU workers do not start.*not installed\.$/ },
  { wanted: "off", forbids: false, says: /^GPU workers run unconfined.*off in the config\.$/ },
])("without bubblewrap, $wanted says so", async ({ wanted, forbids, says }) => {
  for (const searchPath of ["", "/nowhere", "relative:/nowhere"]) {
    const found = await findConfinement(wanted, searchPath);
    expect(found).toMatchObject({ kind: "unconfined", forbidsWorkers: forbids });
    expect(found.sentence).toMatch(says);
    expect(found.nextStep).toMatch(wanted === "off" ? /"auto"/ : /apt install bubblewrap/);
  }
});

test("without bubblewrap, a worker still has Node's permissions; where confinement is off, nothing", async () => {
  const auto = await findConfinement("auto", "");
  expect(auto.command(WORKER).args).toContain("--permission");
  const off = await findConfinement("off", "");
  expect(off.command(WORKER)).toEqual({
    program: process.execPath,
    args: [WORKER.main],
    environment: WORKER.environment,
  });
});

test("a bubblewrap that fails is told with what it printed", async () => {
  const folder = await folderOf({
    bwrap: "exit 0",
    prlimit: 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1',
  });
  const found = await findConfinement("auto", folder);
  expect(found.kind).toBe("unconfined");
  expect(found.sentence).toMatch(/does not work \(bwrap: setting up uid map: Permission denied\)/);
  await rm(folder, { recursive: true });
});

test("this machine's bubblewrap confines, or start-up says in words why it does not", async () => {
  const {
    kind,
    sentence,
    nextStep = "",
    command,
  } = await findConfinement("auto", process.env["PATH"] ?? "");
  console.log(`Here: ${sentence} ${nextStep}`);
  const isConfined = kind === "bubblewrap";
  expect(sentence).toMatch(isConfined ? /^GPU workers are confined by/ : /run unconfined.*: \w+/);
  expect(nextStep).toMatch(isConfined ? /^$/ : /\w/);
  expect(command(WORKER).isWrapped === true).toBe(isConfined);
});
