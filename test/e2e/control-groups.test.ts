import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findConfinement } from "#server/confine/confinement.ts";
import {
  type ControlGroup,
  ControlGroups,
  MAX_WORKER_TASKS,
} from "#server/confine/control-groups.ts";
import { GpuWorker } from "#server/session/gpu-worker.ts";
import type { Attempt } from "#test/support/attempts.ts";

// The kernel's control groups, where this machine delegates some: run it as a service is run, e.g. by
// systemd-run --user --pty -p Delegate=yes -p DelegateSubgroup=gateway npx vitest run test/e2e/control-groups.test.ts

const PRYING_WORKER = fileURLToPath(new URL("../support/prying-worker.ts", import.meta.url));
const MIB = 1024 * 1024;

const found = await findConfinement("auto", process.env["PATH"] ?? "");
const groups = await ControlGroups.find();
const canRun = groups instanceof ControlGroups && found.kind === "bubblewrap";
if (!canRun) {
  const why = typeof groups === "string" ? groups : "no control group is delegated to them";
  console.log(`Tests of the kernel's control groups don't run here: ${why}. ${found.sentence}`);
}

let folder: string;
let workers = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-groups-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** What came of the attempts; throws what ended the worker meanwhile. */
async function outcomes(
  attempts: readonly Attempt[],
  controlGroup: ControlGroup,
): Promise<string[]> {
  const socketPath = path.join(folder, `worker-${++workers}.sock`);
  const command = found.command({
    main: PRYING_WORKER,
    environment: { ATTEMPTS: JSON.stringify(attempts) },
    usesDevices: false,
    sockets: [socketPath],
    secrets: [],
  });
  const args = command.args.filter((arg) => !/^--(permission|allow-)/.test(arg)); // It is taken over.
  const worker = await GpuWorker.start(
    {
      command: { ...command, args },
      socketPath,
      mediaSocketPath: "/none",
      mediaNonce: "00".repeat(32),
      controlGroup,
    },
    { message: () => {}, ended: () => {}, output: (line) => console.log(line) },
    AbortSignal.timeout(120_000),
  );
  expect(await readFile(`/proc/${worker.pid}/cgroup`, "utf8")).toMatch(/\/worker-\d+$/m);
  await worker.stop("It has told.");
  return JSON.parse(worker.ready.adapter);
}

async function inGroup(maxBytes: number, attempts: readonly Attempt[]): Promise<string[]> {
  if (!(groups instanceof ControlGroups)) throw new Error("There are none.");
  return outcomes(attempts, await groups.make(maxBytes));
}

describe.skipIf(!canRun)("a worker's control group", { timeout: 300_000 }, () => {
  test("lets it have what it may, and ends with it", async () => {
    expect(await inGroup(256 * MIB, [{ does: "takeMemory", bytes: 128 * MIB }])).toEqual(["done"]);
    const [, own] = /^0::(.*)\/gateway$/m.exec(await readFile("/proc/self/cgroup", "utf8"))!;
    await expect(access(`/sys/fs/cgroup${own}/worker-1`)).rejects.toThrow("ENOENT");
  });

  test("ends it where it takes more, with a sentence", async () => {
    const attempts: Attempt[] = [{ does: "takeMemory", bytes: 512 * MIB }];
    await expect(inGroup(256 * MIB, attempts)).rejects.toThrow(
      /took more of the host's memory than/,
    );
  });

  test(`holds it to ${MAX_WORKER_TASKS} processes and threads`, async () => {
    const [few, many] = await inGroup(1024 * MIB, [
      { does: "haveMany", count: 100 },
      { does: "haveMany", count: MAX_WORKER_TASKS },
    ]);
    expect(few).toBe("done");
    expect(many).toBe("EAGAIN");
  });
});
