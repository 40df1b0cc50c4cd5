import { once } from "node:events";
import { connect, Socket } from "node:net";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  MAX_DOWN_FRAMES_AT_ONCE,
  MAX_DOWN_FRAMES_PER_SECOND,
} from "#server/ingress/down-frames.ts";
import { ACCESS_UNIT_HEADER_BYTES } from "#server/media/messages.ts";
import { GUEST_PATH, GUEST_SUBPROTOCOL, MAX_UP_MESSAGE_BYTES } from "#shared/link/guest-link.ts";
import { DownFrame } from "#shared/wire/frames.ts";
import { MAX_FRAME_BYTES } from "#shared/wire/limits.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { isAlive } from "#test/support/processes.ts";
import { type Deed, ScriptedGuest } from "#test/support/scripted-guest.ts";

/** Two seconds' worth. */
const TRICKLE_FRAMES = 20_000;

let host: TestGateway;

beforeAll(async () => {
  host = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
});

afterAll(() => host[Symbol.asyncDispose]());

async function guest(session: string): Promise<ScriptedGuest> {
  return ScriptedGuest.connect({ url: host.url, token: await host.guestToken(session) });
}

async function workerPid(program: ScriptedGuest): Promise<number> {
  return program.workerPid();
}

describe("the door", () => {
  test("lets a guest with a good token in, and both directions work", async () => {
    await using program = await guest("door");
    expect(await workerPid(program)).toBeGreaterThan(0);
  });

  test.for<{ why: string; refusal: RegExp; token: () => Promise<string> | string }>([
    { why: "a token that is none", refusal: /^401 The token is not/, token: () => "garbage" },
    {
      why: "another gateway's token",
      refusal: /^401 The token is not/,
      token: async () => {
        await using other = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
        return await other.guestToken("door");
      },
    },
    {
      why: "an expired token",
      refusal: /^401 The token expired at 20/,
      token: () =>
        host.gateway.tokens.issue({ role: "guest", session: "door", profile: "default" }, -1),
    },
    {
      why: "an operator's token",
      refusal: /^403 This token's role is "control"/,
      token: () => host.operatorToken("door"),
    },
    {
      why: "a profile that is not configured",
      refusal: /^403 The token names profile "gold"/,
      token: () => host.guestToken("door", "gold"),
    },
  ])("refuses $why with a status and a sentence", async ({ refusal, token }) => {
    const options = { url: host.url, token: await token() };
    await expect(ScriptedGuest.open(options)).rejects.toThrow(refusal);
  });

  test("tells a quarantined session's guest that it comes too often, and the log once", async () => {
    const stateFolder = await mkdtemp(path.join(tmpdir(), "heliograph-state-"));
    await writeFile(path.join(stateFolder, "quarantine.json"), '{"loop":"It hung."}');
    const yaml = "doors: { joinsPerMinute: 3 }";
    await using few = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml, stateFolder });
    const options = { url: few.url, token: await few.guestToken("loop") };
    const kept = /^403 Session loop is quarantined .*It hung\./;
    const limited = /^429 Session loop was joined at this door over 3 times/;
    for (const refusal of [kept, kept, kept, limited, limited, limited]) {
      await expect(ScriptedGuest.open(options)).rejects.toThrow(refusal);
    }
    const events = few.log.map(({ event }) => event);
    expect(events.filter((event) => event === "guest.refused")).toHaveLength(3);
    expect(events.filter((event) => event === "door.limited")).toHaveLength(1);
    await rm(stateFolder, { recursive: true });
  });

  test.for(["/guest", "/signaling", "/signaling/", "/elsewhere"])(
    "outlives a stranger that asks for %s and resets the connection at once",
    async (address) => {
      const { hostname, port } = new URL(host.url);
      const request =
        `GET ${address} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\n` +
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
      for (let stranger = 0; stranger < 20; stranger++) {
        const socket = connect(Number(port), hostname).on("error", () => {});
        await once(socket, "connect");
        await new Promise((resolve) => socket.write(request, resolve));
        socket.resetAndDestroy();
      }
      const response = await fetch(`${host.url}/healthz`);
      expect(response.status).toBe(200);
    },
  );

  test("refuses a WebSocket at an address that nobody serves, where viewers are served below it", async () => {
    const socket = new WebSocket(`${host.url.replace("http", "ws")}/signaling`);
    await new Promise((resolve) => socket.addEventListener("error", resolve));
    expect(socket.readyState).toBe(WebSocket.CLOSED);
  });

  test("refuses another version with 426 and names its own", async () => {
    const options = { url: host.url, token: await host.guestToken("door") };
    await expect(ScriptedGuest.open({ ...options, subprotocol: "heliograph.v0" })).rejects.toThrow(
      /^426 .*heliograph\.v1.*heliograph\.v0/s,
    );
  });

  test.for([
    {
      why: "bytes that are not HTTP",
      request: "\u0000\u0001garbage\r\n\r\n",
      answer: /^HTTP\/1\.1 400 /,
    },
    {
      why: "an upgrade without a key",
      request: upgrade("", "TOKEN"),
      answer: /^HTTP\/1\.1 400 .*This is no WebSocket handshake/s,
    },
    {
      why: "an upgrade without a token",
      request: upgrade("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
      answer: /^HTTP\/1\.1 401 .*send "Authorization: Bearer TOKEN"/s,
    },
    {
      why: "an upgrade elsewhere",
      request: upgrade("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "/elsewhere"),
      answer: /^HTTP\/1\.1 404 .*No WebSocket is served at this address/s,
    },
    {
      why: "headers over the limit",
      request: upgrade(`X-Long: ${"x".repeat(20_000)}\r\n`, ""),
      answer: /^HTTP\/1\.1 431 /,
    },
  ])("answers $why, and closes that connection only", async ({ request, answer }) => {
    await using bystander = await guest("door");
    const token = await host.guestToken("door");
    expect(await sendRaw(request.replace("TOKEN", token))).toMatch(answer);
    expect(await workerPid(bystander)).toBeGreaterThan(0);
  });

  test.for([
    { what: "a broken escape in the API", at: "/api/admin/sessions/%ff", status: 400 },
    { what: "a broken escape elsewhere", at: "/%ff", status: 404 },
    { what: "nothing that is there", at: "/nowhere", status: 404 },
  ])("answers a request for $what in a sentence, without a stack", async ({ at, status }) => {
    const response = await fetch(`${host.url}${at}`);
    expect(response.status).toBe(status);
    expect(await response.text()).toMatch(/^[A-Z][^<>/]*\.\n$/);
  });

  test("does not mind an upgrade that breaks off", async () => {
    const socket = connect(Number(new URL(host.url).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(upgrade("", "").slice(0, 40));
    socket.destroy();
    await using program = await guest("door");
    expect(await workerPid(program)).toBeGreaterThan(0);
  });
});

function upgrade(headers: string, token: string, at: string = GUEST_PATH): string {
  const authorization = token === "" ? "" : `Authorization: Bearer ${token}\r\n`;
  return (
    `GET ${at} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${GUEST_SUBPROTOCOL}\r\n` +
    `${authorization}${headers}\r\n`
  );
}

/** Sends bytes to the gateway's port, and resolves with all it answers before it closes. */
async function sendRaw(request: string): Promise<string> {
  const socket = connect(Number(new URL(host.url).port), "127.0.0.1");
  socket.setEncoding("utf8");
  let answer = "";
  socket.on("data", (text: string) => {
    answer += text;
  });
  socket.on("error", () => {});
  socket.write(request);
  await once(socket, "close");
  return answer;
}

describe("a message", () => {
  test("of the largest size passes", async () => {
    await using program = await guest("messages");
    // A frame and its header in two messages: the first is full.
    program.tell({ do: "sendFrame", kind: DownFrame.payloadChunk, text: "first" });
    program.ws.send(Buffer.alloc(MAX_UP_MESSAGE_BYTES));
    expect(Buffer.from(await program.next(DownFrame.payloadChunk)).toString()).toBe("first");
    expect(program.ws.readyState).toBe(program.ws.OPEN);
  });

  test.for<{ why: string; send: (program: ScriptedGuest) => void; code: number; says: RegExp }>([
    {
      why: "one byte over the limit",
      send: ({ ws }) => ws.send(Buffer.alloc(MAX_UP_MESSAGE_BYTES + 1)),
      code: 1009,
      says: /over the limit \(1048576 bytes\)/,
    },
    {
      why: "of text",
      send: ({ ws }) => ws.send("hello"),
      code: 1008,
      says: /A text message came where messages are binary/,
    },
    {
      why: "that is no WebSocket frame",
      send: (program) => rawSocket(program).write(Buffer.from("ffffffffffffffff", "hex")),
      code: 1002,
      says: /not a WebSocket frame/,
    },
    {
      why: "that is not masked",
      send: (program) => rawSocket(program).write(Buffer.from("820100", "hex")),
      code: 1002,
      says: /not a WebSocket frame/,
    },
  ])("$why ends its connection with a sentence, and nothing else", async ({ send, code, says }) => {
    await using bystander = await guest("messages");
    await using program = await guest("messages");
    send(program);
    const closed = await program.closed;
    expect(closed.code).toBe(code);
    expect(closed.reason).toMatch(says);
    expect(await workerPid(bystander)).toBeGreaterThan(0);
  });
});

/** The TCP socket under a WebSocket, to send what the library would not. */
function rawSocket({ ws }: ScriptedGuest): Socket {
  const socket: unknown = Reflect.get(ws, "_socket");
  if (socket instanceof Socket) return socket;
  throw new Error("The WebSocket has no socket.");
}

/** The header of an access unit of this many bytes, in hex. */
function accessUnit(bytes: number): string {
  const header = Buffer.alloc(ACCESS_UNIT_HEADER_BYTES);
  header.writeUInt32LE(bytes, 0);
  header.writeUInt16LE(640, 5);
  header.writeUInt16LE(360, 7);
  return header.toString("hex");
}

describe("a GPU worker", () => {
  test.for<{ why: string; deed: Deed; says: RegExp }>([
    {
      why: "dies",
      deed: { do: "die", signal: "SIGSEGV" },
      says: /The GPU worker was ended by SIGSEGV/,
    },
    {
      why: "says what is no JSON",
      deed: { do: "sayBytes", hex: "01000000ff" },
      says: /broke its protocol/,
    },
    {
      why: "says something unknown",
      deed: { do: "say", message: { type: "sudo" } },
      says: /broke its protocol: A control message is none of those known/,
    },
    {
      why: "says something endless",
      deed: { do: "sayBytes", hex: "01000100" },
      says: /A control message \(65537 bytes\) is over the limit \(65536\)/,
    },
    {
      why: "talks without end",
      deed: { do: "sayOften", times: 200_000 },
      says: /More than 20000 control messages came within a second/,
    },
    {
      why: "talks at length",
      deed: { do: "sayMuch", bytes: 32 * 1024 * 1024 },
      says: /More than 4194304 bytes of control messages came within a second/,
    },
    {
      why: "dials without being asked to",
      deed: { do: "dialOften", times: 120 },
      says: /broke its protocol: It dialled over 64 times in a second in vain/,
    },
    {
      why: "hands over an access unit that is too large",
      deed: { do: "sendMedia", hex: accessUnit(8 * 1024 * 1024 + 1), times: 1 },
      says: /broke its protocol: An access unit's length \(8388609 bytes\) is outside/,
    },
    {
      why: "hands over what is no video",
      deed: { do: "sendMedia", hex: `${accessUnit(4)}00000000`, times: 1 },
      says: /broke its protocol: An access unit does not begin with an Annex B start code/,
    },
    {
      why: "hands over more pictures than anybody shows",
      deed: { do: "sendMedia", hex: `${accessUnit(7)}00000001419a02`, times: 300 },
      says: /broke its protocol: A worker sent over 240 access units in a second/,
    },
    {
      why: "speaks for a connection that was never opened",
      deed: { do: "say", message: { type: "animation", connection: 4000, running: true } },
      says: /connection 4000 was never opened/,
    },
    {
      why: "says twice that it is ready",
      deed: {
        do: "say",
        message: { type: "ready", adapter: "", isSoftware: true, encoder: "" },
      },
      says: /"ready" twice/,
    },
    {
      why: "sends a frame in the gateway's name",
      deed: { do: "sendFrame", kind: DownFrame.tick, text: "tick" },
      says: /has kind 32, which is not a worker's to send/,
    },
    {
      why: "sends a frame of a program's kind",
      deed: { do: "sendFrame", kind: 15, text: "" },
      says: /has kind 15, which is not a worker's to send/,
    },
    {
      why: "sends a frame over the limit",
      deed: { do: "sendBytes", hex: "0100100012" },
      says: /A frame's payload \(1048577 bytes\) is over the limit \(1048576\)/,
    },
  ])("that $why is ended and named; the next program gets another", async ({ deed, says, why }) => {
    // A session of its own: a worker that follows on many failures waits for ten seconds.
    const session = why.replaceAll(/\W+/g, "-");
    await using bystander = await guest("bystander");
    await using earlier = await guest(session); // Of which one deed speaks.
    await using program = await guest(session);
    const pid = await workerPid(program);
    expect(await workerPid(earlier)).toBe(pid);
    program.tell(deed);
    expect(await program.goodbye()).toMatch(says);
    expect((await program.closed).reason).not.toBe("");
    await using successor = await guest(session);
    expect(await workerPid(successor)).not.toBe(pid);
    expect(await isAlive(pid)).toBe(false);
    expect(await workerPid(bystander)).toBeGreaterThan(0);
    expect(host.log).toContainEqual(
      expect.objectContaining({ event: "worker.ended", session, pid }),
    );
  });

  test("that prints without end waits, and the gateway serves the others meanwhile", async () => {
    await using bystander = await guest("bystander");
    await using program = await guest("printer");
    program.tell({ do: "printOften", lines: 100_000 });
    for (let count = 0; count < 20; count++) {
      expect(await workerPid(bystander)).toBeGreaterThan(0);
    }
    const lines = host.log.filter(({ session }) => session === "printer");
    expect(lines.length).toBeLessThan(100);
  });

  test("that sends frames of five bytes without end waits, and the gateway serves the others meanwhile", async () => {
    await using bystander = await guest("bystander");
    await using program = await guest("trickle");
    const start = performance.now();
    program.tell({ do: "trickle", frames: TRICKLE_FRAMES });
    expect(await workerPid(bystander)).toBeGreaterThan(0);
    for (let count = 0; count < TRICKLE_FRAMES; count++) await program.next(DownFrame.payloadChunk);
    const rate = (TRICKLE_FRAMES - MAX_DOWN_FRAMES_AT_ONCE) / (performance.now() - start);
    expect(rate).toBeLessThan(1.05 * (MAX_DOWN_FRAMES_PER_SECOND / 1000));
  });

  test("that talks on to a program which has ended is cut off, and serves the next one", async () => {
    await using bystander = await guest("talker");
    await using program = await guest("talker");
    program.tell({ do: "goOn" });
    await program.next(DownFrame.payloadChunk);
    program.ws.close(1000);
    const cutOff = { event: "worker.output", session: "talker", msg: "cut off" };
    await expect
      .poll(() => host.log, { timeout: 20_000 })
      .toContainEqual(expect.objectContaining(cutOff));
    expect(await workerPid(bystander)).toBeGreaterThan(0);
  });

  test("that sends the largest frame and every kind of its own is heard", async () => {
    await using program = await guest("kinds");
    for (const kind of [16, 18, 19, 20, 31]) {
      program.tell({ do: "sendFrame", kind, text: `${kind}` });
      expect(Buffer.from(await program.next(kind)).toString()).toBe(`${kind}`);
    }
    program.tell({ do: "flood", frames: 3, bytes: MAX_FRAME_BYTES });
    for (let count = 0; count < 3; count++) {
      expect(await program.next(DownFrame.payloadChunk)).toHaveLength(MAX_FRAME_BYTES);
    }
  });

  test("that ends one connection leaves the others, and its reason reaches the program", async () => {
    await using bystander = await guest("one-ends");
    await using program = await guest("one-ends");
    const pid = await workerPid(bystander);
    program.tell({
      do: "say",
      message: { type: "connectionEnded", reason: "Command 7 is not known." },
    });
    program.tell({ do: "hangUp" });
    expect(await program.goodbye()).toBe("Command 7 is not known.");
    expect(await workerPid(bystander)).toBe(pid);
  });

  test("that ends a frame which was not granted costs the program its connection", async () => {
    await using program = await guest("ticks");
    program.tell({ do: "say", message: { type: "frameFinished", tick: 1 } });
    expect(await program.goodbye()).toBe("The program ended frame 1, which it was not granted.");
  });
});

test("ticks are granted while a program animates: two at once, then one for each that is finished", async () => {
  await using program = await guest("ticks");
  const tick = async () => Buffer.from(await program.next(DownFrame.tick)).readUInt32LE(0);
  await using unlimited = await TestGateway.start({
    workerMain: SCRIPTED_WORKER,
    yaml: "frameRate: unlimited",
  });
  await using fast = await ScriptedGuest.connect({
    url: unlimited.url,
    token: await unlimited.guestToken("ticks"),
  });
  const fastTick = async () => Buffer.from(await fast.next(DownFrame.tick)).readUInt32LE(0);
  program.tell({ do: "say", message: { type: "animation", running: true } });
  expect(await tick()).toBe(1);
  fast.tell({ do: "say", message: { type: "animation", running: true } });
  expect([await fastTick(), await fastTick()]).toEqual([1, 2]);
  fast.tell({ do: "say", message: { type: "frameFinished", tick: 1 } });
  expect(await fastTick()).toBe(3);
});

describe("the gateway's end", () => {
  test("tells programs, kills a hung worker and leaves no process and no file", async () => {
    const own = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
    const connectTo = async (session: string) =>
      ScriptedGuest.connect({ url: own.url, token: await own.guestToken(session) });
    await using idle = await connectTo("idle");
    await using hung = await connectTo("hung");
    const pids = [await workerPid(idle), await workerPid(hung)];
    hung.tell({ do: "hang" });
    const started = performance.now();
    const closing = own.gateway.close();
    expect(await idle.goodbye()).toBe("The gateway is stopping.");
    expect(await hung.goodbye()).toBe("The gateway is stopping.");
    await Promise.all([closing, own.gateway.close()]);
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false]);
    expect((await readdir(own.folder)).filter((name) => name.startsWith("heliograph-"))).toEqual(
      [],
    );
    await own[Symbol.asyncDispose]();
  });

  test("does not wait for a worker that is just starting", async () => {
    const own = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
    await own.gateway.ready();
    const token = await own.guestToken("starting");
    const opening = ScriptedGuest.open({ url: own.url, token });
    const [refusal] = await Promise.allSettled([opening, own[Symbol.asyncDispose]()]);
    expect(refusal.status).toBe("rejected");
  });
});
