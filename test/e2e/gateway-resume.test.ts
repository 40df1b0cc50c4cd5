import { once } from "node:events";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseGatewayAddress } from "#client/relay/gateway-address.ts";
import { Relay } from "#client/relay/relay.ts";
import { Reporter } from "#client/relay/reporter.ts";
import { parseControl, RESUME_HEADER } from "#shared/link/control.ts";
import {
  KEPT_DOWN_BYTES,
  RESUMABLE_SUBPROTOCOL,
  UP_WINDOW_BYTES,
} from "#shared/link/guest-link.ts";
import {
  DownFrame,
  frame,
  FRAME_HEADER_BYTES,
  type Frame,
  FrameReader,
  UpFrame,
} from "#shared/wire/frames.ts";
import { PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import {
  type Deed,
  type GuestOptions,
  ScriptedGuest,
  totalPayload,
} from "#test/support/scripted-guest.ts";
import { settled } from "#test/support/settled.ts";
import { TcpProxy } from "#test/support/tcp-proxy.ts";

const MIB = 1 << 20;
const RESUME_SECONDS = 3;

let host: TestGateway;

beforeAll(async () => {
  host = await TestGateway.start({
    workerMain: SCRIPTED_WORKER,
    yaml: `resumeSeconds: ${RESUME_SECONDS}`,
  });
});

afterAll(() => host[Symbol.asyncDispose]());

type Linked = {
  readonly guest: ScriptedGuest;
  readonly id: string;
  readonly options: GuestOptions;
};

/** A guest of a resumable link that has its welcome. */
async function link(session: string): Promise<Linked> {
  const token = await host.guestToken(session);
  const options = { url: host.url, token, subprotocol: RESUMABLE_SUBPROTOCOL };
  const guest = await ScriptedGuest.connect(options);
  const message = parseControl(await guest.text());
  if (message.type !== "link") throw new Error(`The link begins with "${message.type}".`);
  expect(message.resumeMs).toBe(RESUME_SECONDS * 1000);
  return { guest, id: message.id, options };
}

function resume(options: GuestOptions, value: string): Promise<ScriptedGuest> {
  return ScriptedGuest.open({ ...options, headers: { [RESUME_HEADER]: value } });
}

function logged(session: string, event: string): Record<string, unknown> | undefined {
  return host.log.find((line) => line["session"] === session && line["event"] === event);
}

async function workerPid(guest: ScriptedGuest): Promise<unknown> {
  guest.tell({ do: "tellPid" });
  return guest.reply();
}

/** Lets another program of the gateway draw so many frames: so much time passes. */
async function drawsFrames(gateway: TestGateway, count: number): Promise<void> {
  const token = await gateway.guestToken("clock");
  await using clock = await ScriptedGuest.connect({ url: gateway.url, token });
  clock.tell({ do: "say", message: { type: "animation", running: true } });
  for (let frames = 0; frames < count; frames++) {
    const tick = Buffer.from(await clock.next(DownFrame.tick)).readUInt32LE();
    clock.tell({ do: "say", message: { type: "frameFinished", tick } });
  }
}

describe("the door lets a link be resumed", () => {
  test("with its id, a token of its session and what was received: nothing is lost or repeated", async () => {
    const { guest, id, options } = await link("resumed");
    const pid = await workerPid(guest);
    guest.ws.terminate();
    await expect.poll(() => logged("resumed", "guest.away")).toBeDefined();
    await using again = await resume(options, `${id} 1 ${guest.received}`);
    const hello = FRAME_HEADER_BYTES + "hello".length;
    const told = FRAME_HEADER_BYTES + JSON.stringify({ do: "tellPid" }).length;
    expect(await again.text()).toBe(`resume ${hello + told}`);
    expect(await again.text()).toBe(`ack ${hello + told}`);
    expect(await workerPid(again)).toEqual(pid);
    expect(logged("resumed", "guest.back")).toMatchObject({ milliseconds: expect.any(Number) });
  });

  test("what came down meanwhile follows, from any byte that was not acknowledged", async () => {
    const { guest, id, options } = await link("down");
    guest.tell({ do: "sendFrame", kind: DownFrame.replies, text: '"one"' });
    expect(await guest.reply()).toBe("one");
    const before = guest.received - FRAME_HEADER_BYTES - '"one"'.length;
    guest.ws.terminate();
    await using again = await resume(options, `${id} 1 ${before}`);
    expect(await again.reply()).toBe("one");
  });

  test("also while the gateway does not know yet that it broke: the newer WebSocket has it", async () => {
    const { guest, id, options } = await link("takeover");
    await using again = await resume(options, `${id} 1 ${guest.received}`);
    expect((await guest.closed).code).toBe(1006);
    expect(await workerPid(again)).toMatchObject({ pid: expect.any(Number) });
  });

  test.for([
    {
      why: "under an id that nobody has",
      ask: ({ id, guest }: Linked) => `${"A".repeat(id.length)} 1 ${guest.received}`,
      refusal: /^404 No connection of session door waits to be resumed under this id/,
    },
    {
      why: "by a token of another session, which learns no more than that",
      token: () => host.guestToken("thief"),
      ask: ({ id, guest }: Linked) => `${id} 1 ${guest.received}`,
      refusal: /^404 No connection of session thief waits to be resumed under this id/,
    },
    {
      why: "by an operator's token",
      token: () => host.operatorToken("door"),
      ask: ({ id, guest }: Linked) => `${id} 1 ${guest.received}`,
      refusal: /^403 This token's role is "control"/,
    },
    {
      why: "without a valid token",
      token: () => Promise.resolve("garbage"),
      ask: ({ id, guest }: Linked) => `${id} 1 ${guest.received}`,
      refusal: /^401 /,
    },
    {
      why: "by a header of another form",
      ask: ({ id }: Linked) => id,
      refusal: /^400 A connection is resumed under .* by "heliograph-resume: ID ATTEMPT COUNT"/,
    },
    {
      why: "under the plain subprotocol",
      subprotocol: "heliograph.v1",
      ask: ({ id, guest }: Linked) => `${id} 1 ${guest.received}`,
      refusal: /^400 A connection is resumed under heliograph\.v1\.resume/,
    },
    {
      why: "from a byte that was not sent",
      ask: ({ id, guest }: Linked) => `${id} 1 ${guest.received + 1}`,
      refusal: /^416 The relay has \d+ bytes .* can go on from byte 0 to byte \d+/,
    },
    {
      why: "by an attempt that is not its first",
      ask: ({ id, guest }: Linked) => `${id} 0 ${guest.received}`,
      refusal: /^409 Attempt 0 to resume the connection comes after attempt 0/,
    },
  ])("not $why, and the link is none the worse", async ({ ask, refusal, token, subprotocol }) => {
    const linked = await link("door");
    const { guest, options } = linked;
    const other = {
      ...options,
      ...(token === undefined ? {} : { token: await token() }),
      ...(subprotocol === undefined ? {} : { subprotocol }),
    };
    await expect(resume(other, ask(linked))).rejects.toThrow(refusal);
    expect(await workerPid(guest)).toMatchObject({ pid: expect.any(Number) });
    await guest[Symbol.asyncDispose]();
  });

  test("not from a byte that was acknowledged and is gone, but from the one after", async () => {
    const { guest, id, options } = await link("gone");
    guest.send(UpFrame.commands, Buffer.from(JSON.stringify({ do: "tellPid" })));
    await guest.reply();
    guest.ws.send(`ack ${guest.received}`);
    await workerPid(guest); // Read after the acknowledgement.
    const acknowledged = guest.received - FRAME_HEADER_BYTES; // Amid the last frame, all of it kept.
    await expect(resume(options, `${id} 1 0`)).rejects.toThrow(/^416 The relay has 0 bytes/);
    await using again = await resume(options, `${id} 2 ${acknowledged}`);
    expect(await again.text()).toMatch(/^resume /);
  });

  test("once: of two at the same time, and of a copied request, one is refused", async () => {
    const { guest, id, options } = await link("twice");
    guest.ws.terminate();
    const value = `${id} 7 ${guest.received}`;
    const both = await Promise.allSettled([resume(options, value), resume(options, value)]);
    const [winner] = both.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const [refused] = both.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    const late = /^409 Attempt 7 to resume the connection comes after attempt 7/;
    expect(String(refused?.message)).toMatch(late);
    await expect(resume(options, value)).rejects.toThrow(late);
    expect(await workerPid(winner!)).toMatchObject({ pid: expect.any(Number) });
    await winner![Symbol.asyncDispose]();
  });

  test("with no more ticks for the program than it was granted before, and new ones after", async () => {
    await using fast = await TestGateway.start({
      workerMain: SCRIPTED_WORKER,
      yaml: "unwatchedFrameRate: 10",
    });
    const token = await fast.guestToken("ticks");
    const options = { url: fast.url, token, subprotocol: RESUMABLE_SUBPROTOCOL };
    const guest = await ScriptedGuest.connect(options);
    const message = parseControl(await guest.text());
    const id = message.type === "link" ? message.id : "";
    guest.tell({ do: "say", message: { type: "animation", running: true } });
    guest.tell({ do: "tellPid" });
    await guest.reply();
    guest.ws.terminate();
    await guest.closed;
    await drawsFrames(fast, 10);
    await using again = await resume(options, `${id} 1 ${guest.received}`);
    const ticks = () => guest.count(DownFrame.tick) + again.count(DownFrame.tick);
    await workerPid(again);
    const granted = ticks();
    expect(granted).toBeGreaterThanOrEqual(2);
    expect(granted).toBeLessThanOrEqual(3); // One more where the round trip was half a frame's time.
    again.tell({ do: "say", message: { type: "frameFinished", tick: 1 } });
    await again.next(DownFrame.tick);
    expect(ticks()).toBeGreaterThan(granted);
  });

  test("not after its time: then the program's connection is lost", async () => {
    const { guest, id, options } = await link("late");
    guest.ws.terminate();
    await expect
      .poll(() => logged("late", "guest.ended"), { timeout: RESUME_SECONDS * 1000 + 5_000 })
      .toMatchObject({
        reason: `The link broke and did not come back within ${RESUME_SECONDS} s.`,
      });
    await expect(resume(options, `${id} 1 ${guest.received}`)).rejects.toThrow(/^404 /);
  });

  test("not after a close frame, which is an end on purpose", async () => {
    const { guest, id, options } = await link("closed");
    guest.ws.close(1000);
    await guest.closed;
    await expect(resume(options, `${id} 1 ${guest.received}`)).rejects.toThrow(/^404 /);
    expect(logged("closed", "guest.ended")).toMatchObject({ reason: "The program ended." });
  });
});

describe("a relay that breaks the link's rules is told how, and the link ends", () => {
  test.for([
    {
      why: "acknowledges what it was not sent",
      say: (guest: ScriptedGuest) => guest.ws.send(`ack ${guest.received + 1}`),
      told: /^The other side speaks of byte \d+; kept are those from 0, and sent those up to \d+\.$/,
    },
    {
      why: "says what the gateway says",
      say: (guest: ScriptedGuest) => guest.ws.send("resume 0"),
      told: /^A relay does not send "resume"\.$/,
    },
    {
      why: "says what nobody says",
      say: (guest: ScriptedGuest) => guest.ws.send("hello"),
      told: /^The text message "hello" is none of the link's\.$/,
    },
  ])("one that $why", async ({ say, told }) => {
    const { guest } = await link("breach");
    say(guest);
    expect(await guest.goodbye()).toMatch(told);
    expect((await guest.closed).code).toBe(1008);
  });

  test("one that sends a byte more than its window; the window itself passes", async () => {
    const { guest } = await link("window");
    const { guest: over } = await link("window");
    const sent = FRAME_HEADER_BYTES + "hello".length;
    for (const { one, room } of [
      { one: guest, room: UP_WINDOW_BYTES - sent },
      { one: over, room: UP_WINDOW_BYTES - sent + 1 },
    ]) {
      one.tell({ do: "hang" }); // Nothing is acknowledged from now on.
      const told = FRAME_HEADER_BYTES + JSON.stringify({ do: "hang" }).length;
      let left = room - told;
      for (; left > MIB; left -= MIB) one.ws.send(Buffer.alloc(MIB));
      one.ws.send(Buffer.alloc(left));
    }
    expect(await over.goodbye()).toMatch(/bytes came beyond those acknowledged, over the limit/);
    expect(guest.ws.readyState).toBe(guest.ws.OPEN);
    await guest[Symbol.asyncDispose]();
  });

  test("one that acknowledges nothing holds the worker back, and costs bounded memory", async () => {
    const { guest } = await link("deaf");
    guest.tell({ do: "flood", frames: 64, bytes: MIB });
    for (let count = 0; count < 2; count++) await guest.next(DownFrame.payloadChunk);
    expect(await settled(() => guest.received)).toBeLessThan(KEPT_DOWN_BYTES);
    guest.ws.send(`ack ${guest.received}`);
    await guest.next(DownFrame.payloadChunk);
    await guest[Symbol.asyncDispose]();
  });
});

/** A program at a relay whose way to the gateway is a proxy. */
class Program implements AsyncDisposable {
  readonly proxy: TcpProxy;
  readonly socket: Socket;
  readonly #relay: Relay;
  readonly #frames: Frame[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(proxy: TcpProxy, relay: Relay) {
    this.proxy = proxy;
    this.#relay = relay;
    this.socket = connect(relay.socketPath);
    const reader = new FrameReader();
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.#wake());
    this.socket.on("data", (chunk) => {
      for (const { kind, payload } of reader.push(chunk)) {
        this.#frames.push({ kind, payload: payload.slice() });
      }
      this.#wake();
    });
  }

  static async connect(session: string, gateway = host): Promise<Program> {
    const proxy = await TcpProxy.start(Number(new URL(gateway.url).port));
    const token = await gateway.guestToken(session);
    const relay = await Relay.start({
      address: parseGatewayAddress(`http://127.0.0.1:${proxy.port}`),
      token: () => Promise.resolve(token),
      socketPath: path.join(host.folder, `relay-${performance.now()}.sock`),
      reporter: new Reporter(() => {}),
    });
    const program = new Program(proxy, relay);
    await program.send(UpFrame.hello, Buffer.from("hello"));
    await program.next(DownFrame.welcome);
    return program;
  }

  async send(kind: number, payload: Uint8Array): Promise<void> {
    if (!this.socket.write(frame(kind, payload))) await once(this.socket, "drain");
  }

  tell(deed: Deed): Promise<void> {
    return this.send(UpFrame.commands, Buffer.from(JSON.stringify(deed)));
  }

  async next(kind: number): Promise<Uint8Array> {
    for (;;) {
      const at = this.#frames.findIndex((each) => each.kind === kind);
      if (at !== -1) return this.#frames.splice(0, at + 1)[at]!.payload;
      if (this.socket.destroyed) throw new Error(`No frame of kind ${kind} came.`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.#relay.close();
    await this.proxy[Symbol.asyncDispose]();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

describe("through relay and gateway", () => {
  test("a 64 MB upload arrives whole over cuts at odd places", async () => {
    await using program = await Program.connect("upload");
    let checksum = 0;
    await program.send(UpFrame.payloadBegin, totalPayload(64 * MIB));
    let cuts = 0;
    for (let sent = 0; sent < 64 * MIB; sent += PAYLOAD_CHUNK_BYTES) {
      const chunk = Buffer.alloc(PAYLOAD_CHUNK_BYTES, `${sent} of the upload `);
      checksum = crc32(chunk, checksum);
      if (sent % (8 * MIB) === 0) {
        program.proxy.cutAfter = 1_000_003 + cuts;
        cuts++;
      }
      await program.send(UpFrame.payloadChunk, chunk);
    }
    const reply = JSON.parse(Buffer.from(await program.next(DownFrame.replies)).toString());
    expect(reply).toEqual({ received: 64 * MIB, crc32: checksum });
    const breaks = host.log.filter(
      (line) => line["session"] === "upload" && line["event"] === "guest.back",
    ).length;
    console.log(`64 MiB arrived whole over ${breaks} breaks of the link`);
    expect(breaks).toBeGreaterThanOrEqual(4);
  });

  test("64 MB of a worker's data arrive whole over resets in their midst", async () => {
    await using program = await Program.connect("download");
    await program.tell({ do: "flood", frames: 64, bytes: MIB });
    for (let count = 0; count < 64; count++) {
      const payload = await program.next(DownFrame.payloadChunk);
      expect(payload.length).toBe(MIB);
      expect(payload.every((byte) => byte === count)).toBe(true);
      if (count % 16 === 8) {
        program.proxy.cut();
        program.proxy.restore();
      }
    }
  });

  test("a program that ends while its link is away has its last words heard", async () => {
    await using program = await Program.connect("last-words");
    await using witness = await Program.connect("last-words");
    program.proxy.cut();
    await expect.poll(() => logged("last-words", "guest.away")).toBeDefined();
    await program.tell({ do: "die", signal: "SIGSEGV" });
    program.socket.end();
    program.proxy.restore();
    const goodbye = Buffer.from(await witness.next(DownFrame.goodbye)).toString();
    expect(goodbye).toBe("The GPU worker was ended by SIGSEGV.");
  });

  test("a program that writes on while the link is away is paused at a bound, and loses nothing", async () => {
    await using program = await Program.connect("bounded");
    await program.send(UpFrame.payloadBegin, totalPayload(32 * MIB));
    program.proxy.cut();
    await expect.poll(() => logged("bounded", "guest.away")).toBeDefined();
    let checksum = 0;
    for (let sent = 0; sent < 32 * MIB; sent += PAYLOAD_CHUNK_BYTES) {
      const chunk = Buffer.alloc(PAYLOAD_CHUNK_BYTES, `${sent} bytes before `);
      checksum = crc32(chunk, checksum);
      program.socket.write(frame(UpFrame.payloadChunk, chunk));
    }
    // The relay took what it may keep; the rest waits here.
    expect(await settled(() => program.socket.writableLength)).toBeGreaterThan(20 * MIB);
    program.proxy.restore();
    const reply = JSON.parse(Buffer.from(await program.next(DownFrame.replies)).toString());
    expect(reply).toEqual({ received: 32 * MIB, crc32: checksum });
  });

  test("a link on which nothing is heard any more is given up, and resumed", async () => {
    await using patient = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
    await using program = await Program.connect("silent", patient);
    program.proxy.stall();
    const event = (name: string) => patient.log.some((line) => line["event"] === name);
    await expect.poll(() => event("guest.away"), { timeout: 20_000 }).toBe(true);
    await program.tell({ do: "tellPid" });
    program.proxy.restore();
    expect(Buffer.from(await program.next(DownFrame.replies)).toString()).toMatch(/"pid"/);
    expect(event("guest.back")).toBe(true);
  });

  test("a cut that is longer than the limit is told to the program", async () => {
    await using program = await Program.connect("lost");
    program.proxy.cut();
    const goodbye = Buffer.from(await program.next(DownFrame.goodbye)).toString();
    expect(goodbye).toMatch(
      `The link to the gateway broke, and did not come back within ${RESUME_SECONDS} s.`,
    );
  });
});
