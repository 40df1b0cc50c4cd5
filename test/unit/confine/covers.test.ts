import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { underBubblewrap } from "#server/confine/bubblewrap.ts";
import { findConfinement } from "#server/confine/confinement.ts";
import { coverSecrets } from "#server/confine/covers.ts";

const { kind } = await findConfinement("auto", process.env["PATH"] ?? "");
const isConfined = kind === "bubblewrap";
if (!isConfined) console.warn("bubblewrap does not work here: what it covers is not tested.");

/** Seen by a worker, as a driver's folder is. */
let seen: string;
let elsewhere: string;

beforeEach(async () => {
  const root = await realpath(await mkdtemp(path.join(tmpdir(), "heliograph-covers-")));
  seen = path.join(root, "seen");
  elsewhere = path.join(root, "elsewhere");
  await mkdir(path.join(seen, "state"), { recursive: true });
  await mkdir(elsewhere);
  await writeFile(path.join(seen, "state/keys.json"), "secret");
  await writeFile(path.join(seen, "heliograph.yaml"), "secret");
  await writeFile(path.join(seen, "driver.so"), "driver");
  await symlink("driver.so", path.join(seen, "driver.so.1"));
  await symlink("nowhere", path.join(seen, "dangling"));
  await writeFile(path.join(elsewhere, "heliograph.yaml"), "secret");
});
afterEach(() => rm(path.dirname(seen), { recursive: true }));

/** A shell where a worker would be. Reads a line of a file for each line that it is written. */
function shell(secrets: readonly string[], file: string): ChildProcessWithoutNullStreams {
  const programs = { bwrap: "/usr/bin/bwrap", prlimit: "/usr/bin/prlimit" };
  const { program, args, environment } = underBubblewrap(programs, {
    main: path.join(import.meta.dirname, "../../../server/worker/main.ts"),
    environment: { LD_LIBRARY_PATH: seen },
    usesDevices: false,
    sockets: [],
    secrets,
  });
  const before = args.slice(0, args.lastIndexOf("--") + 1);
  const script = `while read -r _; do cat "${file}" 2>/dev/null || echo hidden; done`;
  return spawn(program, [...before, "/usr/bin/sh", "-c", script], { env: environment });
}

async function look(child: ChildProcessWithoutNullStreams): Promise<string> {
  child.stdin.write("look\n");
  const [text] = await once(child.stdout, "data");
  return String(text).trim();
}

describe.skipIf(!isConfined)("a confined process", () => {
  test.for<{ what: string; secrets: (at: typeof seen) => string[]; file: string; shows: string }>([
    { what: "a file beside no secret", secrets: () => [], file: "driver.so", shows: "driver" },
    {
      what: "a file of a folder that is a secret",
      secrets: (at) => [path.join(at, "state")],
      file: "state/keys.json",
      shows: "hidden",
    },
    {
      what: "a file that is a secret",
      secrets: (at) => [path.join(at, "heliograph.yaml")],
      file: "heliograph.yaml",
      shows: "hidden",
    },
    {
      what: "what lies beside a secret",
      secrets: (at) => [path.join(at, "heliograph.yaml")],
      file: "driver.so",
      shows: "driver",
    },
    {
      what: "what a link beside a secret leads to",
      secrets: (at) => [path.join(at, "heliograph.yaml")],
      file: "driver.so.1",
      shows: "driver",
    },
    {
      what: "a secret folder beside a secret file",
      secrets: (at) => [path.join(at, "state"), path.join(at, "heliograph.yaml")],
      file: "state/keys.json",
      shows: "hidden",
    },
    {
      what: "a secret folder, named before and after a file of it",
      secrets: (at) => [path.join(at, "state/keys.json"), path.join(at, "state")],
      file: "state/keys.json",
      shows: "hidden",
    },
    {
      what: "all that it sees of a folder that is a secret itself",
      secrets: (at) => [at],
      file: "driver.so",
      shows: "hidden",
    },
  ])("of $what sees: $shows", async ({ secrets, file, shows }) => {
    const child = shell(secrets(seen), path.join(seen, file));
    expect(await look(child)).toBe(shows);
    child.stdin.end();
    await once(child, "close");
  });

  test("does not see a secret that is named by way of a link", async () => {
    const link = path.join(elsewhere, "state");
    await symlink(path.join(seen, "state"), link);
    const child = shell([link], path.join(seen, "state/keys.json"));
    expect(await look(child)).toBe("hidden");
    child.stdin.end();
    await once(child, "close");
  });

  test("does not see a secret that the host replaces meanwhile", async () => {
    const file = path.join(seen, "heliograph.yaml");
    const child = shell([file], file);
    expect(await look(child)).toBe("hidden");
    await rename(path.join(elsewhere, "heliograph.yaml"), file);
    expect(await look(child)).toBe("hidden");
    child.stdin.end();
    await once(child, "close");
  });
});

test.skipIf(!isConfined).for(["recordings", "var/recordings"])(
  "a confined process does not see the secret %s that the host makes meanwhile",
  async (name) => {
    const folder = path.join(seen, name);
    const child = shell([folder], path.join(folder, "a.hgrec"));
    expect(await look(child)).toBe("hidden");
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "a.hgrec"), "secret");
    expect(await look(child)).toBe("hidden");
    child.stdin.end();
    await once(child, "close");
  },
);

test("what lies in no folder that is seen needs no cover, be it there or not", () => {
  const secrets = ["heliograph.yaml", "missing", "missing/a"].map((at) => path.join(elsewhere, at));
  expect(coverSecrets(secrets, [seen])).toEqual([]);
});

test("a secret is covered under each name of a folder that is seen by two", async () => {
  const link = path.join(elsewhere, "lib");
  await symlink(seen, link);
  const covers = coverSecrets([path.join(seen, "state")], [seen, link]);
  expect(covers.filter((option) => option.endsWith("/state"))).toEqual(
    expect.arrayContaining([path.join(seen, "state"), path.join(link, "state")]),
  );
});
