import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SignJWT, UnsecuredJWT } from "jose";
import { io, type Socket as ViewerSocket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GUEST_PATH, GUEST_SUBPROTOCOL } from "#shared/link/guest-link.ts";
import { SIGNALING_PATH, VIEWER_NAMESPACE } from "#shared/signaling/messages.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { Command } from "#test/support/stack.ts";

const HELIOGRAPH = fileURLToPath(new URL("../../bin/heliograph.ts", import.meta.url));
const HOUR = 3600;
const SESSION = "vm";

let host: TestGateway;

beforeAll(async () => {
  // The table below shows more bad tokens than one address should within a minute.
  const yaml = "doors: { failuresPerMinute: 1000 }";
  host = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
  await host.gateway.ready();
});

afterAll(() => host[Symbol.asyncDispose]());

// --- the doors

/** Shows a token at a door and tells the answer: "let in", or status and sentence of the refusal. */
type Door = (token: string) => Promise<string>;

/** `GET /guest`, by which a relay asks whether its token is good. */
const check: Door = (token) => get(GUEST_PATH, { Authorization: `Bearer ${token}` });

const guestUpgrade: Door = (token) => guestUpgradeAt(host.url, token);

async function guestUpgradeAt(url: string, token: string): Promise<string> {
  try {
    const program = await ScriptedGuest.open({ url, token });
    await program[Symbol.asyncDispose]();
    return "let in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const viewer: Door = async (token) => {
  const socket = dial({ auth: { token } });
  try {
    return await answerTo(socket);
  } finally {
    socket.disconnect();
  }
};

const doors: Readonly<Record<string, Door>> = {
  "GET /guest": check,
  "the upgrade of /guest": guestUpgrade,
  "the viewers' namespace": viewer,
};

async function get(path: string, headers: Record<string, string>): Promise<string> {
  const request = httpRequest(new URL(path, host.url), {
    headers: { "Sec-WebSocket-Protocol": GUEST_SUBPROTOCOL, ...headers },
    agent: false,
  });
  request.end();
  const [response] = await once(request, "response");
  response.setEncoding("utf8");
  let body = "";
  for await (const text of response) body += String(text);
  return response.statusCode === 204 ? "let in" : `${response.statusCode} ${body.trim()}`;
}

type DialOptions = {
  readonly auth?: object;
  readonly namespace?: string;
  readonly headers?: Record<string, string>;
};

function dial(options: DialOptions): ViewerSocket {
  return io(`${host.url}${options.namespace ?? VIEWER_NAMESPACE}`, {
    path: SIGNALING_PATH,
    auth: options.auth ?? {},
    extraHeaders: options.headers ?? {},
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
  });
}

/** "let in" with the session's first word, or the sentence of the refusal. */
async function answerTo(socket: ViewerSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("session", () => resolve("let in"));
    socket.once("connect_error", (error) => resolve(error.message));
    socket.once("refused", (sentence: string) => resolve(sentence));
  });
}

// --- what is shown at them

const guestClaims = { role: "guest", session: SESSION, profile: "default" } as const;
const invitationClaims = {
  role: "invitation",
  session: SESSION,
  grants: "control",
  lifetime: HOUR,
} as const;

const INVALID =
  "The token is not one of this gateway's: check that it is whole and was made with this gateway's key.";
const REVOKED = "The token was revoked: ask for a new one.";
const USED = "The invitation was used already: ask for a new one.";
const guestsOnly = (role: string) =>
  `403 This token's role is "${role}": a guest needs one from "heliograph token guest".`;
const operatorsOnly = (role: string) =>
  `This token's role is "${role}": an operator needs one from "heliograph token operator".`;

/** The claims as a token writes them, signed by whatever one likes. */
function forge(claims: Record<string, unknown>, secret: Uint8Array, kid: string): Promise<string> {
  return new SignJWT({ jti: "forged", ...claims })
    .setProtectedHeader({ alg: "HS256", kid })
    .setIssuer("heliograph")
    .setSubject(SESSION)
    .setExpirationTime("1h")
    .sign(secret);
}

const unsigned = (claims: Record<string, unknown>) =>
  new UnsecuredJWT({ jti: "forged", ...claims })
    .setIssuer("heliograph")
    .setSubject(SESSION)
    .setExpirationTime("1h")
    .encode();

/** The token, but for another session and with its signature. */
function tampered(token: string): string {
  const [header, payload, signature] = token.split(".");
  const claims: object = JSON.parse(Buffer.from(payload!, "base64url").toString());
  const other = Buffer.from(JSON.stringify({ ...claims, sub: "another" })).toString("base64url");
  return `${header}.${other}.${signature}`;
}

async function revoked(token: string): Promise<string> {
  await host.gateway.tokens.revoke(host.gateway.tokens.list().at(-1)!.id);
  return token;
}

async function used(token: string): Promise<string> {
  await host.gateway.tokens.admitOperator(token);
  return token;
}

const issue = (claims: Parameters<Tokens["issue"]>[0], lifetime = HOUR) =>
  host.gateway.tokens.issue(claims, lifetime);

type Row = {
  readonly what: string;
  readonly token: () => Promise<string> | string;
  /** The answers of the doors, in their order. */
  readonly answers: readonly string[];
};

const nowhere = (sentence: string): string[] => [`401 ${sentence}`, `401 ${sentence}`, sentence];
const EXPIRED = nowhere("The token expired at TIME: ask for a new one.");

const rows: readonly Row[] = [
  // The control cases: each door lets somebody in.
  {
    what: "a guest's token",
    token: () => issue(guestClaims),
    answers: ["let in", "let in", operatorsOnly("guest")],
  },
  ...(["view", "control", "admin"] as const).map((role) => ({
    what: `the token of an operator who may ${role}`,
    token: () => issue({ role, session: SESSION }),
    answers: [guestsOnly(role), guestsOnly(role), "let in"],
  })),
  {
    what: "an invitation",
    token: () => issue(invitationClaims),
    answers: [guestsOnly("invitation"), guestsOnly("invitation"), "let in"],
  },
  {
    what: "the host admin's token",
    token: () => issue({ role: "admin", session: "*" }),
    answers: [
      guestsOnly("admin"),
      guestsOnly("admin"),
      'This token is for the host\'s admin page (/admin/): an operator needs one from "heliograph token operator".',
    ],
  },
  // What is not let in.
  { what: "what is no token", token: () => "nonsense", answers: nowhere(INVALID) },
  {
    what: "a token over the limit",
    token: () => "x".repeat(4097),
    answers: [
      "401 The token (4097 bytes) is over the limit (4096).",
      "401 The token (4097 bytes) is over the limit (4096).",
      "The viewer's connection carries no token.",
    ],
  },
  {
    what: "an expired guest's token",
    token: () => issue(guestClaims, -1),
    answers: EXPIRED,
  },
  {
    what: "an expired operator's token",
    token: () => issue({ role: "control", session: SESSION }, -1),
    answers: EXPIRED,
  },
  {
    what: "an expired invitation",
    token: () => issue(invitationClaims, -1),
    answers: EXPIRED,
  },
  ...([guestClaims, { role: "control" }] as const).flatMap((claims): Row[] => [
    {
      what: `a ${claims.role} token of another key`,
      token: () => forge({ ...claims }, randomBytes(32), "another"),
      answers: nowhere(INVALID),
    },
    {
      what: `a ${claims.role} token of another key under this gateway's key's name`,
      token: () => forge({ ...claims }, randomBytes(32), host.gateway.tokens.keys.newest.id),
      answers: nowhere(INVALID),
    },
    {
      what: `a ${claims.role} token of algorithm "none"`,
      token: () => unsigned({ ...claims }),
      answers: nowhere(INVALID),
    },
  ]),
  {
    what: "a guest's token that was changed to another session",
    token: async () => tampered(await issue(guestClaims)),
    answers: nowhere(INVALID),
  },
  {
    what: "an operator's token that was changed to another session",
    token: async () => tampered(await issue({ role: "control", session: SESSION })),
    answers: nowhere(INVALID),
  },
  {
    what: "a guest's token that was revoked",
    token: async () => revoked(await issue(guestClaims)),
    answers: nowhere(REVOKED),
  },
  {
    what: "an operator's token that was revoked",
    token: async () => revoked(await issue({ role: "view", session: SESSION })),
    answers: nowhere(REVOKED),
  },
  {
    what: "an invitation that was revoked",
    token: async () => revoked(await issue(invitationClaims)),
    answers: nowhere(REVOKED),
  },
  {
    what: "an invitation that was used",
    token: async () => used(await issue(invitationClaims)),
    answers: nowhere(USED),
  },
];

describe("a token at each door", () => {
  test.for(
    rows.flatMap(({ what, token, answers }) =>
      Object.keys(doors).map((door, at) => ({ what, token, door, answer: answers[at]! })),
    ),
  )("$what at $door: $answer", async ({ token, door, answer }) => {
    const said = await doors[door]!(await token());
    expect(said.replace(/expired at 20[0-9-]+T[0-9:.]+Z/, "expired at TIME")).toBe(answer);
  });

  test("stands in no line of the log", async () => {
    const shown = [await issue(guestClaims), await issue(invitationClaims), "nonsense-token"];
    for (const token of shown) for (const door of Object.values(doors)) await door(token);
    const log = JSON.stringify(host.log);
    expect(log).toContain("viewer.refused");
    for (const token of shown) for (const part of token.split(".")) expect(log).not.toContain(part);
  });

  test.for([
    { where: "a query", path: "?token=TOKEN", headers: {} },
    { where: "a query by another name", path: "?access_token=TOKEN", headers: {} },
    { where: "a cookie", path: "", headers: { Cookie: "token=TOKEN" } },
    { where: "a name and password", path: "", headers: { Authorization: "Basic TOKEN" } },
  ])("counts for nothing in $where", async ({ path, headers }) => {
    const token = await issue(guestClaims);
    const filled = Object.entries(headers).map(([name, value]) => [
      name,
      value.replace("TOKEN", token),
    ]);
    expect(
      await get(`${GUEST_PATH}${path.replace("TOKEN", token)}`, Object.fromEntries(filled)),
    ).toBe('401 The request has no guest token: send "Authorization: Bearer TOKEN".');
  });
});

describe("a session is its own token's alone", () => {
  test("a viewer of another session sees nothing of it, whatever it asks for", async () => {
    await using program = await ScriptedGuest.connect({
      url: host.url,
      token: await host.guestToken("mine"),
    });
    expect(program.ws.readyState).toBe(program.ws.OPEN);
    const states: unknown[] = [];
    const token = await host.operatorToken("theirs");
    const other = dial({ auth: { token, session: "mine" } });
    other.on("session", (state) => states.push(state));
    await new Promise((resolve) => {
      other.once("session", resolve);
    });
    other.disconnect();
    expect(states).toEqual([
      { state: "waiting-for-guest", sentence: "No program has connected yet." },
    ]);
  });

  test("a guest that asks for another session gets its own", async () => {
    const token = await host.guestToken("theirs");
    expect(await get(`${GUEST_PATH}?session=mine`, { Authorization: `Bearer ${token}` })).toBe(
      "let in",
    );
    await using program = await ScriptedGuest.connect({ url: host.url, token });
    expect(program.ws.readyState).toBe(program.ws.OPEN);
    const connected = host.log.filter(({ event }) => event === "guest.connected");
    expect(connected.at(-1)).toMatchObject({ session: "theirs" });
  });
});

describe("an event before its token", () => {
  test.for([
    { what: "in the viewers' namespace", packet: `2${VIEWER_NAMESPACE},["description",{}]` },
    { what: "in no namespace", packet: '2["description",{}]' },
    { what: "that is no packet", packet: "4nonsense" },
  ])("$what ends its connection, and nothing hears it", async ({ packet }) => {
    const socket = dial({ auth: { token: "none" }, namespace: "/unknown" });
    const closed = new Promise((resolve) => {
      socket.io.engine.once("close", resolve);
    });
    socket.io.engine.once("open", () => socket.io.engine.write(packet));
    expect(await closed).toBeDefined();
  });

  test.for([
    { namespace: "/", sentence: "Nothing is served in this namespace." },
    { namespace: "/unknown", sentence: "Invalid namespace" },
  ])("nobody is let into namespace $namespace, with a token or without", async (each) => {
    for (const auth of [{}, { token: await host.operatorToken(SESSION) }]) {
      expect(await answerTo(dial({ auth, namespace: each.namespace }))).toBe(each.sentence);
    }
  });
});

// --- who is inside, and what comes to it

describe("a token that is revoked while it is used", () => {
  test("by the command, ends its programs with a sentence and its viewers with a refusal; others stay", async () => {
    const state = ["--state-dir", `${host.folder}/state`];
    await using bystander = await ScriptedGuest.connect({
      url: host.url,
      token: await host.guestToken("revoking"),
    });
    await using program = await ScriptedGuest.connect({
      url: host.url,
      token: await host.guestToken("revoking"),
    });
    const guestId = host.gateway.tokens.list().at(-1)!.id;
    const token = await host.operatorToken("revoking");
    const viewerId = host.gateway.tokens.list().at(-1)!.id;
    const watching = dial({ auth: { token } });
    expect(await answerTo(watching)).toBe("let in");
    const refused = new Promise((resolve) => {
      watching.once("refused", resolve);
    });
    const gone = new Promise((resolve) => {
      watching.once("disconnect", resolve);
    });
    await using revoking = new Command(process.execPath, [
      HELIOGRAPH,
      "token",
      "revoke",
      guestId,
      viewerId,
      ...state,
    ]);
    expect(await revoking.ended).toBe("0");
    expect(await program.goodbye()).toBe(REVOKED);
    expect((await program.closed).reason).toBe(REVOKED);
    expect(await refused).toBe(REVOKED);
    await gone;
    expect(await viewer(token)).toBe(REVOKED);
    expect(bystander.ws.readyState).toBe(bystander.ws.OPEN);
  });
});

describe("a key that is rotated while the gateway runs", () => {
  test("signs at once, the old one's tokens stay good, and end with it when it is dropped", async () => {
    const folder = `${host.folder}/state`;
    const old = host.gateway.tokens.keys.newest.id;
    const before = await host.guestToken("rotating");
    await using program = await ScriptedGuest.connect({ url: host.url, token: before });
    const elsewhere = await Tokens.open(folder);
    const { id } = await elsewhere.keys.rotate();
    while (host.gateway.tokens.keys.newest.id !== id) await turn();
    const after = await elsewhere.issue(guestClaims, HOUR);
    expect([await check(before), await check(after)]).toEqual(["let in", "let in"]);
    expect(program.ws.readyState).toBe(program.ws.OPEN);
    await elsewhere.keys.drop(old);
    expect(await program.goodbye()).toMatch(/^The key that signed this token is no longer in use/);
    expect([await check(before), await check(after)]).toEqual([`401 ${INVALID}`, "let in"]);
  });
});

describe("an invitation", () => {
  test("lets a viewer in, who gets a token of its own and comes back with it", async () => {
    const token = await issue({ ...invitationClaims, session: "inviting" });
    const invited = dial({ auth: { token } });
    const given = new Promise<string>((resolve) => {
      invited.once("token", resolve);
    });
    expect(await answerTo(invited)).toBe("let in");
    const own = await given;
    invited.disconnect();
    expect(own).not.toBe(token);
    expect(await viewer(own)).toBe("let in");
    expect(await viewer(token)).toBe(USED);
  });

  test("that two use at once lets exactly one in", async () => {
    for (let round = 0; round < 5; round++) {
      const token = await issue({ ...invitationClaims, session: "racing" });
      const answers = await Promise.all([viewer(token), viewer(token), viewer(token)]);
      expect(answers.toSorted()).toEqual([USED, USED, "let in"].toSorted());
    }
  });
});

describe("a page", () => {
  test.for<{ of: string; origin: () => string; answer: RegExp }>([
    { of: "the gateway", origin: () => new URL(host.url).origin, answer: /^let in$/ },
    {
      of: "another site",
      origin: () => "https://evil.example",
      answer: /^websocket error$/,
    },
  ])("of $of: $answer", async ({ origin, answer }) => {
    const token = await host.operatorToken("pages");
    const socket = dial({ auth: { token }, headers: { Origin: origin() } });
    expect(await answerTo(socket)).toMatch(answer);
    socket.disconnect();
  });

  test("of another site is told why, before any WebSocket is there", async () => {
    const answer = await sendRaw(
      host.url,
      upgradeOf(SIGNALING_PATH, "Origin: https://evil.example"),
    );
    expect(answer).toMatch(
      /^HTTP\/1\.1 403 .*Pages of "https:\/\/evil\.example" may not connect here/s,
    );
  });
});

// --- floods and slowness

function upgradeOf(path: string, header = "X-None: none"): string {
  return (
    `GET ${path}/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${new URL(host.url).host}\r\n` +
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${header}\r\n\r\n`
  );
}

function open(url: string, localAddress = "127.0.0.1"): Socket {
  const { port } = new URL(url);
  const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  return socket;
}

/** Resolves with all that the gateway answers before it closes. */
async function sendRaw(url: string, request: string): Promise<string> {
  const socket = open(url);
  socket.setEncoding("utf8");
  let answer = "";
  socket.on("data", (text: string) => {
    answer += text;
  });
  socket.write(request);
  await once(socket, "close");
  return answer;
}

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
    { door: "guest", request: () => upgradeOf(GUEST_PATH) },
    { door: "viewer", request: () => upgradeOf(SIGNALING_PATH, "Origin: https://evil.example") },
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
    { who: "upgrades and shows no token", says: () => upgradeOf(SIGNALING_PATH), ends: 6 },
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
    const sayings = ["", PARTIAL, PARTIAL_UPGRADE, upgradeOf(SIGNALING_PATH)];
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
    expect(await viewer(await host.operatorToken("flooded"))).toBe("let in");
    expect(await get("/healthz", {})).toBe("200 The gateway runs.");
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
