import { once } from "node:events";
import { createSocket, type Socket } from "node:dgram";
import { access, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_TEMPORARY_BYTES, MAX_UNTOUCHED_BYTES } from "#server/confine/bubblewrap.ts";
import type { WorkerCommand } from "#server/confine/command.ts";
import { type Confinement, findConfinement } from "#server/confine/confinement.ts";
import { GpuWorker } from "#server/session/gpu-worker.ts";
import { MAX_WORKER_PROCESSES } from "#server/session/host-watch.ts";
import type { Attempt } from "#test/support/attempts.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { findProcess, isAlive } from "#test/support/processes.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";

// What a worker that its guest has taken over reaches of the host: tried from inside, by real processes, which are started
// as the gateway starts them. The gateway is this process.

const PRYING_WORKER = fileURLToPath(new URL("../support/prying-worker.ts", import.meta.url));
const OUTSIDE = path.join(import.meta.dirname, "../../README.md");

const searchPath = process.env["PATH"] ?? "";
const found = await findConfinement("auto", searchPath);
const isConfined = found.kind === "bubblewrap";
if (!isConfined) {
  console.log(`Tests that need bubblewrap don't run here. ${found.sentence} ${found.nextStep}`);
}

/** How the worker is held: not at all, by each of the two alone, by both. */
type Holds = "nothing" | "permissions" | "bubblewrap" | "both";
const HOLDS: readonly Holds[] = ["nothing", "permissions", "bubblewrap", "both"];

const needsBubblewrap = (holds: Holds) => holds === "bubblewrap" || holds === "both";

let host: TestGateway;
let neighbour: Server;
let echo: Socket;
let folder: string;
let workers = 0;

beforeAll(async () => {
  host = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-confined-"));
  await mkdir(compileCache());
  neighbour = createServer((socket) => socket.on("error", () => {}).resume());
  neighbour.listen(path.join(folder, "neighbour.sock"));
  await once(neighbour, "listening");
  echo = createSocket("udp4", (message, { port, address }) => echo.send(message, port, address));
  echo.bind(0, "127.0.0.1");
  await once(echo, "listening");
});

afterAll(async () => {
  echo.close();
  neighbour.close();
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function confinement(holds: Holds): Promise<Confinement> {
  if (holds === "nothing") return findConfinement("off", "");
  return holds === "permissions" ? findConfinement("auto", "") : found;
}

async function start(
  holds: Holds,
  main: string,
  options: { readonly attempts?: readonly Attempt[]; readonly maxHostMemory?: number } = {},
): Promise<{ readonly worker: GpuWorker; readonly ended: Promise<string> }> {
  const socketPath = path.join(folder, `worker-${++workers}.sock`);
  const { command } = await confinement(holds);
  const whole = command({
    main,
    environment: { ATTEMPTS: JSON.stringify(options.attempts ?? []) },
    usesDevices: false,
    compileCache: compileCache(),
    sockets: [socketPath],
    secrets: [],
  });
  const ended = Promise.withResolvers<string>();
  const worker = await GpuWorker.start(
    {
      command: holds === "bubblewrap" ? withoutPermissions(whole) : whole,
      socketPath,
      mediaSocketPath: "/none",
      mediaNonce: "00".repeat(32),
      ...(options.maxHostMemory === undefined ? {} : { maxHostMemory: options.maxHostMemory }),
    },
    { message: () => {}, ended: ended.resolve, output: (line) => console.log(line) },
    AbortSignal.timeout(20_000),
  );
  return { worker, ended: ended.promise };
}

function withoutPermissions(command: WorkerCommand): WorkerCommand {
  const args = command.args.filter((arg) => !/^--(permission|allow-)/.test(arg));
  return { ...command, args };
}

async function outcomes(holds: Holds, attempts: readonly Attempt[]): Promise<string[]> {
  const { worker, ended } = await start(holds, PRYING_WORKER, { attempts });
  worker.kill("It has told.");
  await ended;
  return JSON.parse(worker.ready.adapter);
}

/** What Node compiled for all workers. */
const compileCache = () => path.join(folder, "compiled");
const port = () => Number(new URL(host.url).port);
const stateFolder = () => path.join(host.folder, "state");

async function done(holds: Holds, attempt: Attempt): Promise<boolean> {
  const [outcome] = await outcomes(holds, [attempt]);
  return outcome === "done";
}

describe("a worker that is taken over", () => {
  type Row = {
    readonly what: string;
    readonly attempt: () => Attempt;
    /** Who of the two alone stops it. */
    readonly stops: { readonly permissions: boolean; readonly bubblewrap: boolean };
  };
  const rows: readonly Row[] = [
    {
      what: "reaches no TCP port of the gateway",
      attempt: () => ({ does: "connect", port: port() }),
      stops: { permissions: false, bubblewrap: true },
    },
    {
      what: "sends no datagram",
      attempt: () => ({ does: "sendDatagram", port: echo.address().port }),
      stops: { permissions: false, bubblewrap: true },
    },
    {
      what: "dials no other worker's socket",
      attempt: () => ({ does: "dial", socket: path.join(folder, "neighbour.sock") }),
      stops: { permissions: false, bubblewrap: true },
    },
    {
      what: "does not read the key that signs tokens",
      attempt: () => ({ does: "read", file: path.join(stateFolder(), "signing-keys.json") }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "does not list the state folder",
      attempt: () => ({ does: "list", folder: stateFolder() }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "does not read the host's configuration",
      attempt: () => ({ does: "read", file: "/etc/passwd" }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "does not read a file beside our code",
      attempt: () => ({ does: "read", file: OUTSIDE }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "writes nothing to the host's folders",
      attempt: () => ({ does: "write", file: "/var/tmp/heliograph-written", bytes: 1 }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "writes nothing into our code",
      attempt: () => ({
        does: "write",
        file: path.join(path.dirname(PRYING_WORKER), "written"),
        bytes: 1,
      }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "writes nothing into what was compiled for all workers",
      attempt: () => ({ does: "write", file: path.join(compileCache(), "written"), bytes: 1 }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "writes no shared memory",
      attempt: () => ({ does: "write", file: "/dev/shm/heliograph-written", bytes: 1 }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "does not see the gateway's process",
      attempt: () => ({ does: "read", file: `/proc/${process.pid}/cmdline` }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "does not read the gateway's environment, which takes the right to trace it",
      attempt: () => ({ does: "read", file: `/proc/${process.pid}/environ` }),
      stops: { permissions: true, bubblewrap: true },
    },
    {
      what: "does not signal the gateway",
      attempt: () => ({ does: "signal", pid: process.pid }),
      stops: { permissions: false, bubblewrap: true },
    },
    {
      what: "runs no program",
      attempt: () => ({ does: "run", program: "/usr/bin/true" }),
      stops: { permissions: true, bubblewrap: false },
    },
    {
      what: "gains no privileges",
      attempt: () => ({ does: "gainPrivileges" }),
      stops: { permissions: true, bubblewrap: true },
    },
  ];
  test.for(rows)("$what: by Node's permissions or not", async ({ attempt, stops }) => {
    expect(await done("nothing", attempt())).toBe(true); // The control.
    expect(await done("permissions", attempt())).toBe(!stops.permissions);
  });

  test.skipIf(!isConfined).for(rows)("$what, under bubblewrap", async ({ attempt, stops }) => {
    expect(await done("bubblewrap", attempt())).toBe(!stops.bubblewrap);
    expect(await done("both", attempt())).toBe(false);
  });

  test.skipIf(!isConfined)("has a /tmp of its own", async () => {
    const file = path.join(folder, "written"); // Beside its socket, which lies in the host's.
    const attempt: Attempt = { does: "leave", file };
    expect(await outcomes("bubblewrap", [attempt])).toEqual(["done"]);
    expect(await exists(file)).toBe(false);
    expect(await outcomes("nothing", [attempt])).toEqual(["done"]);
    expect(await exists(file)).toBe(true); // The control.
  });

  test.skipIf(!isConfined)(
    `writes ${MAX_TEMPORARY_BYTES} bytes to its /tmp, and not one more`,
    async () => {
      const file = "/tmp/written";
      expect(
        await outcomes("bubblewrap", [
          { does: "write", file, bytes: MAX_TEMPORARY_BYTES },
          { does: "write", file, bytes: MAX_TEMPORARY_BYTES + 1 },
        ]),
      ).toEqual(["done", "ENOSPC"]);
    },
  );
});

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The worker's process, and those of bubblewrap before it. */
async function lineage(pid: number): Promise<number[]> {
  const line = [pid];
  while (line[0] !== process.pid) {
    const stat = await readFile(`/proc/${line[0]}/stat`, "utf8");
    line.unshift(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
  }
  return line.slice(1);
}

async function gone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) while (await isAlive(pid)) await new Promise(setImmediate);
}

describe("a worker's processes", () => {
  test.for(HOLDS)(
    "end with the worker, held by %s, and the end is told once",
    async (holds, { skip }) => {
      skip(!isConfined && needsBubblewrap(holds), "Needs bubblewrap.");
      const { worker, ended } = await start(holds, SCRIPTED_WORKER);
      const line = await lineage(worker.pid);
      expect(line).toHaveLength(needsBubblewrap(holds) ? 3 : 1);
      worker.kill("Enough.");
      expect(await ended).toBe("Enough.");
      expect(await isAlive(worker.pid)).toBe(false);
      await gone(line);
    },
  );

  test.skipIf(!isConfined).for([
    { who: "bubblewrap outside the namespaces", at: 0 },
    { who: "bubblewrap inside the namespaces", at: 1 },
    { who: "the worker", at: 2 },
  ])("end with kill -9 of $who", async ({ at }) => {
    const { worker, ended } = await start("both", SCRIPTED_WORKER);
    const line = await lineage(worker.pid);
    process.kill(line[at]!, "SIGKILL");
    expect(await ended).toMatch(/ended by SIGKILL|closed its control socket/);
    await gone(line);
  });
});

describe("a worker's memory", () => {
  const MIB = 1024 * 1024;

  test.for(HOLDS)("is watched from outside, held by %s", async (holds, { skip }) => {
    skip(!isConfined && needsBubblewrap(holds), "Needs bubblewrap.");
    // Even a worker that does nothing is over 16 MiB.
    const { worker, ended } = await start(holds, SCRIPTED_WORKER, { maxHostMemory: 16 * MIB });
    const reason = await ended;
    expect(reason).toMatch(/took \d+ MiB of memory, over its profile's 16 MiB \(hostMemoryMb\)/);
    await gone([worker.pid]);
  });

  test.for<Holds>(["nothing", "bubblewrap"])(
    "is not the only thing that is watched: so are processes, held by %s",
    async (holds, { skip }) => {
      skip(!isConfined && needsBubblewrap(holds), "Needs bubblewrap.");
      const attempts: Attempt[] = [{ does: "startMany", count: MAX_WORKER_PROCESSES }];
      const { ended } = await start(holds, PRYING_WORKER, {
        attempts,
        maxHostMemory: 4096 * MIB,
      });
      const socket = `worker-${workers}.sock`;
      expect(await ended).toMatch(/started processes: more than 16 are its/);
      while ((await findProcess("sleep", socket)) !== undefined) await new Promise(setImmediate);
    },
  );

  test.skipIf(!isConfined)("is not given at all where it is asked for at once", async () => {
    const yaml = "profiles: { small: { hostMemoryMb: 256 } }";
    await using small = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
    const token = await small.guestToken("bomb", "small");
    await using bomb = await ScriptedGuest.connect({ url: small.url, token });
    bomb.tell({ do: "takeMemory", bytes: 256 * MIB + MAX_UNTOUCHED_BYTES + MIB });
    expect(await bomb.goodbye()).toMatch(/ended by itself with exit code \d+/);
  });

  test("over its profile costs that session alone, with a sentence", async () => {
    const yaml = "profiles: { small: { hostMemoryMb: 256 } }";
    await using small = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
    const connect = async (session: string) => {
      const token = await small.guestToken(session, "small");
      return ScriptedGuest.connect({ url: small.url, token });
    };
    await using bystander = await connect("bystander");
    await using bomb = await connect("bomb");
    const pid = await bystander.workerPid();
    bomb.tell({ do: "takeMemory", bytes: 512 * MIB });
    expect(await bomb.goodbye()).toMatch(/memory, over its profile's 256 MiB \(hostMemoryMb\)/);
    expect(await bystander.workerPid()).toBe(pid);
  });
});

describe("the gateway", () => {
  test("says how its workers are confined", () => {
    expect(host.log).toContainEqual(
      expect.objectContaining({ event: "gateway.started", confinement: found.kind }),
    );
    expect(host.log).toContainEqual(
      expect.objectContaining({
        event: "gateway.confinement",
        confinement: found.kind,
        msg: [found.sentence, found.nextStep].filter(Boolean).join(" "),
      }),
    );
  });

  test("starts unconfined workers where confinement is off, and says so", async () => {
    const yaml = "confinement: off";
    await using off = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
    const token = await off.guestToken("free");
    await using program = await ScriptedGuest.connect({ url: off.url, token });
    expect(await lineage(await program.workerPid())).toHaveLength(1);
    expect(off.log).toContainEqual(
      expect.objectContaining({ event: "gateway.started", confinement: "unconfined" }),
    );
  });

  test("starts no worker where confinement is required and there is none", async () => {
    const before = process.env["PATH"];
    process.env["PATH"] = folder; // Where no bubblewrap is.
    try {
      const yaml = "confinement: require";
      await using strict = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
      const sentence =
        /do not start, since confinement is required and bubblewrap is not installed/;
      expect(await strict.gateway.ready()).toEqual({
        ready: false,
        sentence: expect.stringMatching(sentence),
      });
      const token = await strict.guestToken("strict");
      const refused = ScriptedGuest.connect({ url: strict.url, token });
      await expect(refused).rejects.toThrow(/^503 /);
    } finally {
      process.env["PATH"] = before;
    }
  });
});
