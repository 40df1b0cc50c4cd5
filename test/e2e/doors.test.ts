import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPERATIONS } from "#server/admin/operations.ts";
import { ADMIN_API_PATH, ADMIN_NAMESPACE } from "#shared/admin/paths.ts";
import { GUEST_PATH, GUEST_SUBPROTOCOL } from "#shared/link/guest-link.ts";
import { SIGNALING_PATH, VIEWER_NAMESPACE } from "#shared/signaling/messages.ts";
import { Tokens } from "#server/auth/tokens.ts";
import { answerTo, dial, guestUpgradeAt, pageAt, sendRaw, upgradeOf } from "#test/support/doors.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { Command } from "#test/support/stack.ts";

const HELIOGRAPH = fileURLToPath(new URL("../../bin/heliograph.ts", import.meta.url));
const HOUR = 3600;
const SESSION = "vm";

let host: TestGateway;

beforeAll(async () => {
  // The table below shows more bad tokens than one address should within a minute.
  const yaml = "doors: { failuresPerMinute: 100000 }";
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

const viewer: Door = (token) => pageAt(host.url, token);

const adminPage: Door = (token) => pageAt(host.url, token, ADMIN_NAMESPACE);

/** Past the door a request may still fail: there is no session "nobody". */
async function adminRequest(method: string, path: string, token: string): Promise<string> {
  const response = await fetch(new URL(path, host.url), {
    method,
    headers: { Authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  if (![401, 403, 429].includes(response.status)) return "let in";
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
  return `${response.status} ${isProblem === true ? JSON.parse(text).detail : text.trim()}`;
}

const ADMIN_REQUESTS = [
  { method: "GET", path: "/metrics" },
  // All of the API: what is added there is tried here.
  ...OPERATIONS.map(({ method, path }) => ({
    method: method.toUpperCase(),
    path: ADMIN_API_PATH + path.replace("{name}", "nobody"),
  })),
];

type NamedDoor = {
  readonly name: string;
  readonly door: Door;
  /** Which of a row's answers is its. */
  readonly answer: keyof Answers;
};

const doors: readonly NamedDoor[] = [
  { name: "GET /guest", door: check, answer: "guest" },
  { name: "the upgrade of /guest", door: guestUpgrade, answer: "guest" },
  { name: "the viewers' namespace", door: viewer, answer: "viewer" },
  ...ADMIN_REQUESTS.map(({ method, path }): NamedDoor => ({
    name: `${method} ${path}`,
    door: (token) => adminRequest(method, path, token),
    answer: "admin",
  })),
  { name: "the admin page's namespace", door: adminPage, answer: "adminPage" },
];

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
const adminsOnly = (role: string) =>
  `This token's role is "${role}" in session vm: the host's admin needs one from "heliograph token admin".`;
const refusesAdmin = (role: string) => ({
  admin: `403 ${adminsOnly(role)}`,
  adminPage: adminsOnly(role),
});

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
function tampered(token: string, session = "another"): string {
  const [header, payload, signature] = token.split(".");
  const claims: object = JSON.parse(Buffer.from(payload!, "base64url").toString());
  const other = Buffer.from(JSON.stringify({ ...claims, sub: session })).toString("base64url");
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
  readonly answers: Answers;
};

type Answers = {
  /** Of both doors for guests. */
  readonly guest: string;
  readonly viewer: string;
  /** Of every request of the admin's. */
  readonly admin: string;
  readonly adminPage: string;
};

const nowhere = (sentence: string): Answers => ({
  guest: `401 ${sentence}`,
  viewer: sentence,
  admin: `401 ${sentence}`,
  adminPage: sentence,
});
const EXPIRED = nowhere("The token expired at TIME: ask for a new one.");

const rows: readonly Row[] = [
  // The control cases: each door lets somebody in.
  {
    what: "a guest's token",
    token: () => issue(guestClaims),
    answers: { guest: "let in", viewer: operatorsOnly("guest"), ...refusesAdmin("guest") },
  },
  ...(["view", "control", "admin"] as const).map((role) => ({
    what: `the token of an operator who may ${role}`,
    token: () => issue({ role, session: SESSION }),
    answers: { guest: guestsOnly(role), viewer: "let in", ...refusesAdmin(role) },
  })),
  {
    what: "an invitation",
    token: () => issue(invitationClaims),
    answers: {
      guest: guestsOnly("invitation"),
      viewer: "let in",
      ...refusesAdmin("invitation"),
    },
  },
  {
    what: "the host admin's token",
    token: () => issue({ role: "admin", session: "*" }),
    answers: {
      guest: guestsOnly("admin"),
      viewer:
        'This token is for the host\'s admin page (/admin/): an operator needs one from "heliograph token operator".',
      admin: "let in",
      adminPage: "let in",
    },
  },
  // What is not let in.
  { what: "what is no token", token: () => "nonsense", answers: nowhere(INVALID) },
  {
    what: "a token over the limit",
    token: () => "x".repeat(4097),
    answers: {
      guest: "401 The token (4097 bytes) is over the limit (4096).",
      viewer: "The viewer's connection carries no token.",
      admin: "401 The token (4097 bytes) is over the limit (4096).",
      adminPage: "The page's connection carries no token.",
    },
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
  ...([guestClaims, { role: "control" }, { role: "admin" }] as const).flatMap((claims): Row[] => [
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
    what: "an expired host admin's token",
    token: () => issue({ role: "admin", session: "*" }, -1),
    answers: EXPIRED,
  },
  {
    what: "a host admin's token that was revoked",
    token: async () => revoked(await issue({ role: "admin", session: "*" })),
    answers: nowhere(REVOKED),
  },
  {
    what: "an admin's token of one session that was changed to the whole host",
    token: async () => tampered(await issue({ role: "admin", session: SESSION }), "*"),
    answers: nowhere(INVALID),
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
      doors.map(({ name, door, answer }) => ({ what, token, name, door, answer: answers[answer] })),
    ),
  )("$what at $name: $answer", async ({ token, door, answer }) => {
    const said = await door(await token());
    expect(said.replace(/expired at 20[0-9-]+T[0-9:.]+Z/, "expired at TIME")).toBe(answer);
  });

  test("stands in no line of the log", async () => {
    const shown = [await issue(guestClaims), await issue(invitationClaims), "nonsense-token"];
    for (const token of shown) for (const { door } of doors) await door(token);
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
    const other = dial(host.url, { auth: { token, session: "mine" } });
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
    const socket = dial(host.url, { auth: { token: "none" }, namespace: "/unknown" });
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
      expect(await answerTo(dial(host.url, { auth, namespace: each.namespace }))).toBe(
        each.sentence,
      );
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
    const watching = dial(host.url, { auth: { token } });
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
    const invited = dial(host.url, { auth: { token } });
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
    const socket = dial(host.url, { auth: { token }, headers: { Origin: origin() } });
    expect(await answerTo(socket)).toMatch(answer);
    socket.disconnect();
  });

  test("of another site is told why, before any WebSocket is there", async () => {
    const answer = await sendRaw(
      host.url,
      upgradeOf(host.url, SIGNALING_PATH, "Origin: https://evil.example"),
    );
    expect(answer).toMatch(
      /^HTTP\/1\.1 403 .*Pages of "https:\/\/evil\.example" may not connect here/s,
    );
  });
});
