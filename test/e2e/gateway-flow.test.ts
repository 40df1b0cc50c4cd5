import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { DownFrame, UpFrame } from "#shared/wire/frames.ts";
import { PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";
import { isAlive, residentSetSize } from "#test/support/processes.ts";
import { ScriptedGuest, totalPayload } from "#test/support/scripted-guest.ts";
import { settled } from "#test/support/settled.ts";

const MIB = 1 << 20;
const MAX_GROWTH = 64 * MIB;
const UPLOAD_BYTES = 2048 * MIB;
/** Three times what the gateway may grow by. */
const FLOOD_FRAMES = 192;

/** A gateway in a process of its own, so that its memory can be told from the test's. */
class GatewayProcess implements AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, token: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.url = url;
    this.token = token;
  }

  static async start(): Promise<GatewayProcess> {
    const script = fileURLToPath(new URL("../support/gateway-process.ts", import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const [line]: unknown[] = await once(lines, "line");
    const { url, token }: { url: string; token: string } = JSON.parse(String(line));
    return new GatewayProcess(child, url, token);
  }

  async connect(): Promise<{ readonly program: ScriptedGuest; readonly workerPid: number }> {
    const program = await ScriptedGuest.connect(this);
    return { program, workerPid: await program.workerPid() };
  }

  /** The resident memory that was gained since `before`, in bytes. */
  async growth(before: number): Promise<number> {
    return (await residentSetSize(this.pid)) - before;
  }

  kill(): Promise<unknown> {
    this.#child.kill("SIGKILL");
    return once(this.#child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin?.end();
    await once(this.#child, "exit");
  }
}

/** 2 GiB through a machine that does other things, too. */
const UPLOAD_TIMEOUT_MS = 300_000;

test(
  "with its worker stopped during a 2 GiB upload the gateway grows by at most 64 MiB, and all arrives after it goes on",
  { timeout: UPLOAD_TIMEOUT_MS },
  async () => {
    await using host = await GatewayProcess.start();
    const { program, workerPid } = await host.connect();
    await using upload = new Upload(program);
    const before = await residentSetSize(host.pid);
    process.kill(workerPid, "SIGSTOP");
    const done = upload.send(UPLOAD_BYTES);
    await settled(() => upload.sent);
    expect(upload.sent).toBeGreaterThan(0);
    expect(upload.sent).toBeLessThan(MAX_GROWTH);
    expect(await host.growth(before)).toBeLessThan(MAX_GROWTH);

    process.kill(workerPid, "SIGCONT");
    let peak = 0;
    upload.onChunk = async () => {
      if (upload.sent % (64 * MIB) === 0) peak = Math.max(peak, await host.growth(before));
    };
    const checksum = await done;
    expect(await program.reply()).toEqual({ received: UPLOAD_BYTES, crc32: checksum });
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(MAX_GROWTH);
  },
);

test("with a program that reads nothing its worker stalls, and the gateway grows by at most 64 MiB", async () => {
  await using host = await GatewayProcess.start();
  await using program = (await host.connect()).program;
  const before = await residentSetSize(host.pid);
  program.ws.pause();
  program.tell({ do: "flood", frames: FLOOD_FRAMES, bytes: MIB });
  let peak = 0;
  await settled(async () => {
    peak = Math.max(peak, await host.growth(before));
    return Math.round(peak / MIB); // By pages, any process grows for long.
  });
  expect(peak).toBeGreaterThan(MIB); // It did come to the gateway.
  expect(peak).toBeLessThan(MAX_GROWTH);
  program.ws.resume();
  for (let count = 0; count < FLOOD_FRAMES; count++) {
    const payload = await program.next(DownFrame.payloadChunk);
    expect([payload.length, payload[0]]).toEqual([MIB, count & 0xff]);
  }
});

test("a worker dies with its gateway, even when that is killed", async () => {
  await using host = await GatewayProcess.start();
  const connected = await host.connect();
  await using program = connected.program;
  const { workerPid } = connected;
  expect(program.ws.readyState).toBe(program.ws.OPEN);
  expect(await isAlive(workerPid)).toBe(true);
  await host.kill();
  await expect.poll(() => isAlive(workerPid), { timeout: 1_000, interval: 10 }).toBe(false);
});

/** A staged payload, sent as fast as the gateway takes it. */
class Upload implements AsyncDisposable {
  readonly #program: ScriptedGuest;
  sent = 0;
  onChunk: () => Promise<void> = () => Promise.resolve();

  constructor(program: ScriptedGuest) {
    this.#program = program;
  }

  /** Resolves with the CRC-32 of what was sent. */
  async send(total: number): Promise<number> {
    let checksum = 0;
    const chunk = Buffer.alloc(PAYLOAD_CHUNK_BYTES, 0x5a);
    this.#program.send(UpFrame.payloadBegin, totalPayload(total));
    while (this.sent < total) {
      chunk.writeUInt32LE(this.sent / chunk.length);
      checksum = crc32(chunk, checksum);
      this.#program.send(UpFrame.payloadChunk, chunk);
      this.sent += chunk.length;
      await this.onChunk();
      while (this.#program.ws.bufferedAmount > 2 * MIB) await turn();
    }
    return checksum;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
