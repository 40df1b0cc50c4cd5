import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_TEMPORARY_BYTES } from "#server/confine/bubblewrap.ts";
import { ControlGroups, MAX_WORKER_TASKS } from "#server/confine/control-groups.ts";
import { findMemoryCap } from "#server/confine/memory-cap.ts";

// What is written where, in a folder in place of the kernel's; test/e2e/control-groups.test.ts has the kernel's, where a
// machine delegates it.

const MIB = 1024 * 1024;

let mount: string;
let own: string;

beforeEach(async () => {
  mount = await mkdtemp(path.join(tmpdir(), "heliograph-groups-"));
  own = path.join(mount, "own");
  await mkdir(path.join(mount, "service/gateway"), { recursive: true });
  await writeFile(path.join(mount, "service/cgroup.procs"), "");
});

afterEach(async () => {
  await rm(mount, { recursive: true });
});

async function find(group: string) {
  await writeFile(own, `4:memory:/other\n0::${group}\n`);
  return ControlGroups.find(own, mount);
}

async function found(): Promise<ControlGroups> {
  const groups = await find("/service/gateway");
  if (!(groups instanceof ControlGroups)) throw new Error(String(groups));
  return groups;
}

const text = (...names: string[]) => readFile(path.join(mount, "service", ...names), "utf8");

test("a gateway in a group that is named for it makes groups beside its own", async () => {
  const groups = await found();
  expect(await text("cgroup.subtree_control")).toBe("+memory +pids");
  const group = await groups.make(256 * MIB);
  const bytes = 256 * MIB + MAX_TEMPORARY_BYTES + 128 * MIB;
  expect(await text("worker-1/memory.max")).toBe(String(bytes));
  expect(await text("worker-1/memory.oom.group")).toBe("1");
  expect(await text("worker-1/pids.max")).toBe(String(MAX_WORKER_TASKS));
  await group.limit(512 * MIB);
  expect(await text("worker-1/memory.max")).toBe(String(bytes + 256 * MIB));
  await groups.make(MIB);
  expect(await text("worker-2/memory.max")).toBe(String(193 * MIB));
});

test.for([
  { where: "of another name", group: "/service/heliograph" },
  { where: "at the root, as in a container", group: "/" },
])("a gateway in a group $where makes none", async ({ group }) => {
  expect(await find(group)).toBeUndefined();
});

test("a gateway whose group is not delegated says so", async () => {
  await rm(path.join(mount, "service/cgroup.procs"));
  const reason = await find("/service/gateway");
  if (typeof reason !== "string") throw new Error("It can make groups.");
  expect(reason).toMatch(/^Its control group is named gateway, but none can be made.*ENOENT/);
  expect((await findMemoryCap(await find("/service/gateway"))).sentence).toContain(reason);
  expect((await findMemoryCap(await find("/"))).sentence).not.toContain("Its control group");
});

test("groups that a killed gateway left are removed, and one that is still lived in is passed over", async () => {
  for (const name of ["worker-1", "worker-2", "worker-x"]) {
    await mkdir(path.join(mount, "service", name));
  }
  await writeFile(path.join(mount, "service/worker-1/cgroup.procs"), "123\n"); // Holds the folder, as a process would.
  const groups = await found();
  const left = (await readdir(path.join(mount, "service"))).filter((name) => /worker/.test(name));
  expect(left).toEqual(["worker-1", "worker-x"]);
  await groups.make(MIB);
  expect(await text("worker-2/pids.max")).toBe(String(MAX_WORKER_TASKS));
});

test("a worker is in its group from its first instruction on", async () => {
  const group = await (await found()).make(MIB);
  const command = { program: "/bin/echo", args: ["a b", "$HOME"], environment: { A: "1" } };
  const { program, args, environment } = group.around(command);
  expect(environment).toEqual({ A: "1" });
  expect(program).toBe("/bin/sh");
  expect(args.slice(2)).toEqual([
    path.join(mount, "service/worker-1/cgroup.procs"),
    "/bin/echo",
    "a b",
    "$HOME",
  ]);
});

test.for([
  { events: "low 0\nmax 12\noom 0\noom_kill 0\n", full: false },
  { events: "low 0\nmax 12\noom 1\noom_kill 1\n", full: true },
  { events: undefined, full: false },
])("a worker that the kernel killed for its memory: $full", async ({ events, full }) => {
  const group = await (await found()).make(MIB);
  const file = path.join(mount, "service/worker-1/memory.events");
  if (events !== undefined) await writeFile(file, events);
  expect(group.wasFull).toBe(full);
});
