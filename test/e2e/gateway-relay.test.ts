import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayError, RelayError } from "#client/relay/errors.ts";
import { parseGatewayAddress } from "#client/relay/gateway-address.ts";
import { Relay } from "#client/relay/relay.ts";
import { Reporter } from "#client/relay/reporter.ts";
import { DownFrame, frame, FrameReader, UpFrame } from "#shared/wire/frames.ts";
import { PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { isAlive } from "#test/support/processes.ts";
import { type Deed, totalPayload } from "#test/support/scripted-guest.ts";

const MIB = 1 << 20;

let host: TestGateway;

beforeAll(async () => {
  host = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
});

afterAll(() => host[Symbol.asyncDispose]());

/** A relay of its own socket, and what it told the person who started it. */
async function startRelay(
  token: string,
  url = host.url,
): Promise<AsyncDisposable & { readonly relay: Relay; readonly told: readonly string[] }> {
  const told: string[] = [];
  const relay = await Relay.start({
    address: parseGatewayAddress(url),
    token: () => Promise.resolve(token),
    socketPath: path.join(host.folder, `relay-${performance.now()}.sock`),
    reporter: new Reporter((line) => told.push(line)),
  });
  return { relay, told, [Symbol.asyncDispose]: () => relay.close() };
}

/** A program at the relay's socket. */
class Program implements Disposable {
  readonly socket: Socket;
  readonly #frames: { readonly kind: number; readonly text: string; readonly length: number }[] =
    [];
  readonly #reader = new FrameReader();
  readonly #waiting = new Set<() => void>();

  constructor(socketPath: string) {
    this.socket = connect(socketPath);
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.#wake());
    this.socket.on("data", (chunk) => {
      for (const { kind, payload } of this.#reader.push(chunk)) {
        const text = payload.length > 4096 ? "" : Buffer.from(payload).toString();
        this.#frames.push({ kind, text, length: payload.length });
      }
      this.#wake();
    });
  }

  static async connect(socketPath: string): Promise<Program> {
    const program = new Program(socketPath);
    program.send(UpFrame.hello, Buffer.from("hello"));
    await program.next(DownFrame.welcome);
    return program;
  }

  send(kind: number, payload: Uint8Array): boolean {
    return this.socket.write(frame(kind, payload));
  }

  tell(deed: Deed): void {
    this.send(UpFrame.commands, Buffer.from(JSON.stringify(deed)));
  }

  async next(kind: number): Promise<{ readonly text: string; readonly length: number }> {
    for (;;) {
      const at = this.#frames.findIndex((each) => each.kind === kind);
      if (at !== -1) return this.#frames.splice(0, at + 1)[at]!;
      if (this.socket.destroyed)
        throw new Error(`The relay hung up; no frame of kind ${kind} came.`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async goodbye(): Promise<string> {
    return (await this.next(DownFrame.goodbye)).text;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

test("programs of one VM share its session and its worker, each on a link of its own", async () => {
  await using started = await startRelay(await host.guestToken("vm"));
  const { socketPath } = started.relay;
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  using one = await Program.connect(socketPath);
  using two = await Program.connect(socketPath);
  one.tell({ do: "tellPid" });
  two.tell({ do: "tellPid" });
  const pid = (await one.next(DownFrame.replies)).text;
  expect(pid).toMatch(/^\{"pid":\d+,"socket":"[^"]+"\}$/);
  expect((await two.next(DownFrame.replies)).text).toBe(pid);
  one.tell({ do: "sendFrame", kind: DownFrame.refused, text: "Opcode 999 is not known." });
  one.tell({ do: "hangUp" });
  expect((await one.next(DownFrame.refused)).text).toBe("Opcode 999 is not known.");
  await once(one.socket, "close");
  two.tell({ do: "tellPid" });
  expect((await two.next(DownFrame.replies)).text).toBe(pid);
  expect(started.told).toEqual([]);
});

test("what a program sent last arrives, though it exits at once", async () => {
  await using started = await startRelay(await host.guestToken("last-words"));
  using program = await Program.connect(started.relay.socketPath);
  using witness = await Program.connect(started.relay.socketPath);
  program.send(UpFrame.payloadBegin, totalPayload(8 * MIB));
  for (let sent = 0; sent < 8 * MIB; sent += PAYLOAD_CHUNK_BYTES) {
    program.send(UpFrame.payloadChunk, Buffer.alloc(PAYLOAD_CHUNK_BYTES));
  }
  program.tell({ do: "die", signal: "SIGSEGV" });
  program.socket.end();
  expect(await witness.goodbye()).toBe("The GPU worker was ended by SIGSEGV.");
});

test("bulk data passes both ways through flow control, whole and in order", async () => {
  await using started = await startRelay(await host.guestToken("bulk"));
  using program = await Program.connect(started.relay.socketPath);
  program.send(UpFrame.payloadBegin, totalPayload(64 * MIB));
  for (let sent = 0; sent < 64 * MIB; sent += PAYLOAD_CHUNK_BYTES) {
    const more = program.send(UpFrame.payloadChunk, Buffer.alloc(PAYLOAD_CHUNK_BYTES, sent / MIB));
    if (!more) await once(program.socket, "drain");
  }
  const { text } = await program.next(DownFrame.replies);
  expect(JSON.parse(text)).toMatchObject({ received: 64 * MIB });
  program.tell({ do: "flood", frames: 64, bytes: MIB });
  for (let count = 0; count < 64; count++) {
    expect((await program.next(DownFrame.payloadChunk)).length).toBe(MIB);
  }
});

describe("the relay says plainly what is wrong", () => {
  test("a bad token, an expired one and another role end it at its start", async () => {
    const expired = await host.gateway.tokens.issue(
      { role: "guest", session: "vm", profile: "default" },
      -1,
    );
    const operator = await host.operatorToken("vm");
    await expect(startRelay("garbage")).rejects.toThrow(/refuses \(401\): The token is not one of/);
    await expect(startRelay(expired)).rejects.toThrow(/refuses \(401\): The token expired at 20/);
    await expect(startRelay(operator)).rejects.toThrow(/refuses \(403\): This token's role/);
    await expect(startRelay(operator)).rejects.toBeInstanceOf(GatewayError);
  });

  test("a second relay at the same socket", async () => {
    const token = await host.guestToken("vm");
    await using started = await startRelay(token);
    const second = Relay.start({
      address: parseGatewayAddress(host.url),
      token: () => Promise.resolve(token),
      socketPath: started.relay.socketPath,
      reporter: new Reporter(() => {}),
    });
    await expect(second).rejects.toThrow(RelayError);
  });

  test("a gateway that is away is told once; programs wait, and are served when it comes", async () => {
    const port = await freePort();
    const token = await host.guestToken("late");
    await using started = await startRelay(token, `http://127.0.0.1:${port}`);
    using program = new Program(started.relay.socketPath);
    program.send(UpFrame.hello, Buffer.from("hello"));
    // The same keys, so that the token holds at the gateway that comes later.
    await using late = await TestGateway.start({
      workerMain: SCRIPTED_WORKER,
      port,
      stateFolder: path.join(host.folder, "state"),
    });
    expect(late.url).toContain(String(port));
    await program.next(DownFrame.welcome);
    const away = /does not answer \(ECONNREFUSED\)/;
    expect(started.told.filter((line) => away.test(line)).length).toBeLessThanOrEqual(2);
    expect(started.told.at(-1)).toBe("The gateway answers again.");
  });

  test("a token that is refused later is told to the program", async () => {
    let token = await host.guestToken("vm");
    const told: string[] = [];
    await using relay = await Relay.start({
      address: parseGatewayAddress(host.url),
      token: () => Promise.resolve(token),
      socketPath: path.join(host.folder, "later.sock"),
      reporter: new Reporter((line) => told.push(line)),
    });
    token = "garbage";
    using program = new Program(relay.socketPath);
    program.send(UpFrame.hello, Buffer.from("hello"));
    expect(await program.goodbye()).toMatch(/refuses \(401\)/);
    expect(told).toHaveLength(1);
  });

  test("something else at the gateway's address", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await using started = await startRelay("token", `http://127.0.0.1:${port}`);
    expect(started.told[0]).toMatch(/what answers there is no Heliograph gateway/);
    server.close();
  });
});

test("a link that breaks amid a program ends the program's connection with a sentence", async () => {
  const own = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
  await using started = await startRelay(await own.guestToken("vm"), own.url);
  using program = await Program.connect(started.relay.socketPath);
  await own[Symbol.asyncDispose]();
  expect(await program.goodbye()).toBe("The gateway is stopping.");
});

test("a relay that stops tells its programs", async () => {
  await using started = await startRelay(await host.guestToken("vm"));
  using program = await Program.connect(started.relay.socketPath);
  await started.relay.close();
  expect(await program.goodbye()).toBe("The relay is stopping.");
});

test("as a process it prints one ready line, removes its socket at SIGTERM and leaves nothing", async () => {
  const socketPath = path.join(host.folder, "process.sock");
  const tokenFile = path.join(host.folder, "token");
  await writeFile(tokenFile, await host.guestToken("vm"));
  const args = ["relay", "--gateway", host.url, "--token-file", tokenFile, "--socket", socketPath];
  const child = heliograph(args);
  expect(String(await once(child.stdout!, "data"))).toBe(`ready ${socketPath}\n`);
  using program = await Program.connect(socketPath);
  child.kill("SIGTERM");
  expect(await program.goodbye()).toBe("The relay is stopping.");
  expect(await once(child, "exit")).toEqual([0, null]);
  await expect(stat(socketPath)).rejects.toThrow(/ENOENT/);
  expect(await isAlive(child.pid!)).toBe(false);
});

test("as a process with a bad token it says so and exits with 1", async () => {
  const tokenFile = path.join(host.folder, "bad-token");
  await writeFile(tokenFile, "garbage");
  const child = heliograph(["relay", "--gateway", host.url, "--token-file", tokenFile]);
  let said = "";
  child.stderr!.on("data", (text) => {
    said += String(text);
  });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(said).toMatch(
    /^heliograph relay: The gateway refuses \(401\): The token is not one .*\n$/,
  );
  await rm(tokenFile);
});

function heliograph(args: readonly string[]): ChildProcess {
  const entry = path.join(import.meta.dirname, "..", "..", "bin", "heliograph.ts");
  return spawn(process.execPath, [entry, ...args], { stdio: ["ignore", "pipe", "pipe"] });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("No port.");
  return address.port;
}
