import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "#server/config/config-error.ts";
import { Quarantine } from "#server/session/quarantine.ts";

let folder: string;
let failures: unknown[];
const open = () => Quarantine.open(path.join(folder, "state"), (error) => failures.push(error));

beforeEach(async () => {
  failures = [];
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-quarantine-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test("what is quarantined is so at the next start, and no more once it was let back", async () => {
  const first = open();
  expect([...first.sessions]).toEqual([]);
  first.set("vm-1", "It hung the GPU.");
  first.set("vm-2", "It lied.");
  const second = open();
  expect(second.reason("vm-1")).toBe("It hung the GPU.");
  expect(second.reason("vm-3")).toBeUndefined();
  second.clear("vm-1");
  expect([...open().sessions]).toEqual(["vm-2"]);
  expect(failures).toEqual([]);
  expect(await readdir(path.join(folder, "state"))).toEqual(["quarantine.json"]);
  expect((await stat(path.join(folder, "state", "quarantine.json"))).mode & 0o777).toBe(0o600);
});

test("a list that can't be written lasts for this run, and the failure is told", async () => {
  await writeFile(path.join(folder, "state"), "a file where a folder should be");
  expect(open).toThrow("ENOTDIR");
  await rm(path.join(folder, "state"));
  const quarantine = open();
  await writeFile(path.join(folder, "state"), "");
  quarantine.set("vm", "It hung the GPU.");
  expect(quarantine.reason("vm")).toBe("It hung the GPU.");
  expect(failures).toHaveLength(1);
});

test.for(["", "[]", '{"vm": 1}'])(
  "a file that holds %j stops the start with what to do",
  async (text) => {
    open().set("vm", "x");
    await writeFile(path.join(folder, "state", "quarantine.json"), text);
    expect(open).toThrow(ConfigError);
    expect(open).toThrow(/holds no list of quarantined sessions: correct it/);
  },
);
