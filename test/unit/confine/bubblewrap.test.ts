import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { MAX_UNTOUCHED_BYTES, underBubblewrap } from "#server/confine/bubblewrap.ts";
import type { WorkerProgram } from "#server/confine/command.ts";
import { isWithin } from "#server/confine/visible-files.ts";

const PROGRAMS = { bwrap: "/usr/bin/bwrap", prlimit: "/usr/bin/prlimit" };
const ROOT = path.resolve(import.meta.dirname, "../../..");

const confined = (worker: Partial<WorkerProgram> = {}) =>
  underBubblewrap(PROGRAMS, {
    main: path.join(ROOT, "server/worker/main.ts"),
    environment: {},
    usesDevices: false,
    sockets: [],
    secrets: [],
    ...worker,
  });

/** What follows each `--option`. */
function after(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, at) => (arg === option ? [args[at + 1]!] : []));
}

test("a worker sees our code and packages, and no folder of a person", () => {
  const seen = after(confined().args, "--ro-bind");
  expect(seen).toEqual(
    expect.arrayContaining([path.join(ROOT, "server"), path.join(ROOT, "package.json")]),
  );
  for (const folder of [ROOT, path.join(ROOT, "test"), "/home", "/root", "/etc", "/run", "/var"]) {
    expect(seen).not.toContain(folder);
  }
});

test("a worker's environment keeps what drivers read and loses the person's", () => {
  const { environment } = confined({
    environment: {
      HOME: "/home/someone",
      PATH: "/usr/bin",
      XDG_RUNTIME_DIR: "/run/user/1000",
      DISPLAY: ":0",
      LD_LIBRARY_PATH: "/usr/lib",
      HELIOGRAPH_DAWN_FLAGS: "",
    },
  });
  expect(environment).toEqual({
    HOME: "/tmp",
    LD_LIBRARY_PATH: "/usr/lib",
    HELIOGRAPH_DAWN_FLAGS: "",
  });
});

test("folders that the driver's environment names are seen, save the whole machine", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-driver-"));
  const environment = { LD_LIBRARY_PATH: `${folder}:/:relative:/nowhere` };
  const seen = after(confined({ environment }).args, "--ro-bind");
  expect(seen).toContain(folder);
  for (const other of ["/", "relative", "/nowhere"]) expect(seen).not.toContain(other);
  await rm(folder, { recursive: true });
});

test("device files are seen only for a GPU that has some", () => {
  expect(confined().args).not.toContain("/sys/devices");
  expect(confined({ usesDevices: true }).args).toContain("/sys/devices");
});

const limits = (worker: Partial<WorkerProgram>) =>
  confined({ maxHostMemory: 2 ** 30, ...worker }).args.filter((arg) => arg.startsWith("--data"));

test("what a worker maps is bounded, save on a GPU whose driver maps its device's memory", () => {
  expect(limits({})).toEqual([`--data=${2 ** 30 + MAX_UNTOUCHED_BYTES}`]);
  expect(limits({ usesDevices: true })).toEqual([]);
});

test("a worker reads what Node compiled, and Node alone may ask to write it", () => {
  const { args, environment } = confined({ compileCache: "/cache/compiled" });
  expect(after(args, "--ro-bind")).toContain("/cache/compiled");
  expect(args.filter((arg) => arg.startsWith("--allow-fs-write"))).toEqual([
    "--allow-fs-write=/cache/compiled",
  ]);
  expect(args.some((arg) => /^--(dev-)?bind/.test(arg))).toBe(false);
  expect(environment["NODE_COMPILE_CACHE"]).toBe("/cache/compiled");
  expect(confined().environment).not.toHaveProperty("NODE_COMPILE_CACHE");
});

test.for([
  { file: "/a/b", folder: "/a", within: true },
  { file: "/a", folder: "/a", within: true },
  { file: "/ab", folder: "/a", within: false },
  { file: "/a", folder: "/a/b", within: false },
])("$file is within $folder: $within", ({ file, folder, within }) => {
  expect(isWithin(file, folder)).toBe(within);
});
