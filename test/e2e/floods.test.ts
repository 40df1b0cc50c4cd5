import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GUEST_PATH } from "#shared/link/guest-link.ts";
import { SIGNALING_PATH } from "#shared/signaling/messages.ts";
import { guestUpgradeAt, open, pageAt, sendRaw, upgradeOf } from "#test/support/doors.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { Command } from "#test/support/stack.ts";

// Who comes to the gateway's doors too often, too slowly or a thousand at a time.

const SESSION = "vm";
const INVALID =
  "The token is not one of this gateway's: check that it is whole and was made with this gateway's key.";

let host: TestGateway;

beforeAll(async () => {
  const yaml = "doors: { failuresPerMinute: 1000 }";
  host = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
  await host.gateway.ready();
});

afterAll(() => host[Symbol.asyncDispose]());

describe("who comes too often", () => {
  let own: TestGateway;

  beforeAll(async () => {
    const yaml = "doors: { failuresPerMinute: 2, attemptsPerMinute: 8 }";
    own = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
    await own.gateway.ready();
  });
  afterAll(() => own[Symbol.asyncDispose]());

  test("with tokens that are not good is told to wait; a good one counts all the same", async () => {
    const token = await own.guestToken(SESSION);
    const answers: string[] = [];
    for (const shown of ["bad", "bad", "bad", token]) {
      answers.push(await guestUpgradeAt(own.url, shown));
    }
    expect(answers).toEqual([
      `401 ${INVALID}`,
      `401 ${INVALID}`,
      expect.stringMatching(
        /^429 Over 2 tokens that address 127\.0\.0\.1 showed within a minute were not good, .*try again in \d+ s\.$/,
      ),
      "let in",
    ]);
  });

  test.for([
    { door: "guest", request: () => upgradeOf(own.url, GUEST_PATH) },
    {
      door: "viewer",
      request: () => upgradeOf(own.url, SIGNALING_PATH, "Origin: https://evil.example"),
    },
    {
      door: "web",
      request: () => "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    },
  ])("to the $door door hears 429, a sentence and when to come again", async (each) => {
    let answer = "";
    for (let count = 0; count <= 8; count++) answer = await sendRaw(own.url, each.request());
    expect(answer).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/i);
    expect(answer).toMatch(
      /\r\n\r\nAddress 127\.0\.0\.1 came to this door over 8 times within a minute, .*try again in \d+ s\.\n$/,
    );
    const told = own.log.filter(
      ({ event, door }) => event === "door.limited" && door === each.door,
    );
    expect(told.some(({ reason }) => String(reason).startsWith("Address 127.0.0.1"))).toBe(true);
  });

  test("keeps no guest with a good token out, who may be behind the same NAT", async () => {
    let answer = "";
    for (let count = 0; count <= 8; count++) answer = await guestUpgradeAt(own.url, "bad");
    expect(answer).toMatch(/^429 Address 127\.0\.0\.1 came to this door over 8 times/);
    expect(await guestUpgradeAt(own.url, await own.guestToken(SESSION))).toBe("let in");
  });

  test("by a session's good tokens is told so; another session is let in", async () => {
    const yaml = "doors: { joinsPerMinute: 3 }";
    await using few = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
    await few.gateway.ready();
    const answers: string[] = [];
    for (const session of ["loop", "loop", "loop", "loop", "polite"]) {
      answers.push(await guestUpgradeAt(few.url, await few.guestToken(session)));
    }
    expect(answers).toEqual([
      "let in",
      "let in",
      "let in",
      expect.stringMatching(/^429 Session loop was joined at this door over 3 times/),
      "let in",
    ]);
  });
});

const PARTIAL = "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ";
const PARTIAL_UPGRADE = `GET ${GUEST_PATH} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;

/** How long it takes until the gateway closes it. */
async function secondsOpen(socket: Socket, says: string): Promise<number> {
  const began = performance.now();
  socket.resume();
  socket.write(says);
  await once(socket, "close");
  return (performance.now() - began) / 1000;
}

// All at once: each waits for its end, and costs nothing meanwhile.
describe.concurrent("who is slow", () => {
  test.for<{ who: string; says: () => string; ends: number }>([
    { who: "sends nothing", says: () => "", ends: 10 },
    { who: "never ends its headers", says: () => PARTIAL, ends: 10 },
    { who: "never ends its upgrade", says: () => PARTIAL_UPGRADE, ends: 10 },
    // It does not answer to its farewell either, for which it has another second.
    {
      who: "upgrades and shows no token",
      says: () => upgradeOf(host.url, SIGNALING_PATH),
      ends: 6,
    },
  ])("and $who is gone after $ends seconds", { timeout: 20_000 }, async ({ says, ends }) => {
    const seconds = await secondsOpen(open(host.url), says());
    expect(seconds).toBeGreaterThan(ends - 1);
    expect(seconds).toBeLessThan(ends + 3);
  });

  test(
    "and never shakes hands for TLS is gone after ten seconds",
    { timeout: 30_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "heliograph-tls-"));
      const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
      const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost`;
      await using openssl = new Command("openssl", [
        ...words.split(" "),
        "-keyout",
        key,
        "-out",
        cert,
      ]);
      expect(await openssl.ended).toBe("0");
      const yaml = JSON.stringify({ tls: { cert, key } });
      await using own = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
      const seconds = await secondsOpen(open(own.url), "");
      expect(seconds).toBeGreaterThan(9);
      expect(seconds).toBeLessThan(13);
      await rm(folder, { recursive: true });
    },
  );
});

describe("a flood of 1,000 connections", () => {
  const FLOOD = 1_000;
  const MAX_PER_ADDRESS = 128;
  /** What a program and a viewer need on an idle gateway is a tenth of it. */
  const SERVED_WITHIN_MS = 2_000;

  test.for([
    { from: "another address", localAddress: "127.0.0.2" },
    { from: "the same address, as of a VM behind the same NAT", localAddress: "127.0.0.1" },
  ])("from $from leaves the rest served", async ({ localAddress }) => {
    await using inside = await ScriptedGuest.connect({
      url: host.url,
      token: await host.guestToken("flooded"),
    });
    const sockets: Socket[] = [];
    const closed = new Set<Socket>();
    const sayings = ["", PARTIAL, PARTIAL_UPGRADE, upgradeOf(host.url, SIGNALING_PATH)];
    const connected: Promise<unknown>[] = [];
    for (let count = 0; count < FLOOD; count++) {
      const socket = open(host.url, localAddress);
      socket.resume();
      socket.once("close", () => closed.add(socket));
      connected.push(Promise.race([once(socket, "connect"), once(socket, "close")]));
      socket.write(sayings[count % sayings.length]!);
      sockets.push(socket);
    }

    const began = performance.now();
    await using program = await ScriptedGuest.connect({
      url: host.url,
      token: await host.guestToken("flooded"),
    });
    expect(await pageAt(host.url, await host.operatorToken("flooded"))).toBe("let in");
    expect((await fetch(`${host.url}/healthz`)).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(SERVED_WITHIN_MS);

    await Promise.all(connected);
    while (FLOOD - closed.size > MAX_PER_ADDRESS) await turn();
    program.tell({ do: "tellPid" });
    expect(await program.reply()).toHaveProperty("pid");
    inside.tell({ do: "tellPid" });
    expect(await inside.reply()).toHaveProperty("pid");
    for (const socket of sockets) socket.destroy();
  });
});
