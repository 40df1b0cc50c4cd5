import { decodeJwt } from "jose";
import { io } from "socket.io-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAX_BODY_BYTES } from "#server/admin/api.ts";
import { MAX_ADMIN_PAGES } from "#server/admin/live.ts";
import { MAX_REASON_CHARACTERS, OPERATIONS } from "#server/admin/operations.ts";
import { MAX_KEPT_SESSIONS } from "#server/session/sessions.ts";
import {
  type AdminNews,
  HostReport,
  ProblemDetails,
  ScreenLink,
  SessionHistory,
} from "#shared/admin/messages.ts";
import { ADMIN_NAMESPACE } from "#shared/admin/paths.ts";
import { SessionReport } from "#shared/admin/session-report.ts";
import { SIGNALING_PATH } from "#shared/signaling/messages.ts";
import { DownFrame } from "#shared/wire/frames.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";

// The admin's API as a script meets it, on a gateway with real worker processes.

const YAML = `profiles:
  small: { frameRate: 10, maxBitrate: 500000 }
  half: { share: { policy: fixed-share, percent: 50 } }`;

let host: TestGateway;
let admin: string;
const guests: ScriptedGuest[] = [];
beforeAll(async () => {
  host = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml: YAML });
  await host.gateway.ready();
});
beforeEach(async () => {
  admin = await host.adminToken(); // Each with an allowance of its own.
});
afterEach(async () => {
  await Promise.all(guests.splice(0).map((program) => program[Symbol.asyncDispose]()));
});
afterAll(() => host[Symbol.asyncDispose]());

type Sent = {
  readonly url?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly text?: string;
};
type Answer = { readonly status: number; readonly type: string; readonly json: unknown };

async function ask(method: string, path: string, sent: Sent = {}): Promise<Answer> {
  const {
    url = host.url,
    token = admin,
    body,
    text = body === undefined ? undefined : JSON.stringify(body),
  } = sent;
  const response = await fetch(`${url}/api/admin${path}`, {
    method: method.toUpperCase(),
    headers: {
      ...(token === "" ? {} : { Authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { "Content-Type": "application/json" }),
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const content = await response.text();
  expect(response.headers.get("cache-control")).toBe("no-store");
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    json: content === "" ? undefined : JSON.parse(content),
  };
}

/** The answer is an error whose body has this status and a sentence. */
function problem({ status, type, json }: Answer): { status: number; detail: string } {
  expect(type).toMatch(/^application\/problem\+json/);
  const { status: said, detail } = ProblemDetails.parse(json);
  expect(said).toBe(status);
  expect(detail).toMatch(/^[A-Z].*\.$/s);
  return { status, detail };
}

/** A program of the session, which leaves after the test. */
async function guest(session: string): Promise<ScriptedGuest> {
  const token = await host.guestToken(session);
  const program = await ScriptedGuest.connect({ url: host.url, token });
  guests.push(program);
  return program;
}

const report = async (session: string) =>
  SessionReport.parse((await ask("get", `/sessions/${session}`)).json);

const audits = () => host.log.filter(({ event }) => event === "admin.acted");

const keep = (index: number) => ask("put", `/sessions/kept-${index}`);
const evict = (text: string) => ask("post", "/sessions/nobody/evict", { text });
const padded = (bytes: number) => `{"reason":"x"${" ".repeat(bytes - 14)}}`;
const connect = (token: unknown) =>
  io(host.url + ADMIN_NAMESPACE, {
    path: SIGNALING_PATH,
    auth: { token },
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
const getMetrics = (headers: Record<string, string> = {}) =>
  fetch(`${host.url}/metrics`, { headers });

const firstNews = (socket: ReturnType<typeof connect>) =>
  new Promise<AdminNews>((resolve, reject) => {
    socket.once("news", resolve);
    socket.once("refused", (sentence: string) => reject(new Error(sentence)));
    socket.once("connect_error", reject);
  });

describe("the API's description", () => {
  test("is OpenAPI 3.1, needs no token, and has each operation once", async () => {
    const { status, json } = await ask("get", "/openapi.json", { token: "" });
    expect(status).toBe(200);
    expect(json).toMatchObject({ openapi: "3.1.0", servers: [{ url: "/api/admin" }] });
    const ids = [...JSON.stringify(json).matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(OPERATIONS.length);
    expect(new Set(ids)).toEqual(new Set(OPERATIONS.map(({ id }) => id)));
  });
});

describe("what an admin reads", () => {
  test("the host", async () => {
    const { status, json } = await ask("get", "/host");
    expect(status).toBe(200);
    expect(HostReport.parse(json)).toMatchObject({
      url: host.url,
      ready: true,
      profiles: ["default", "small", "half"],
    });
  });

  test("all sessions and each, with what their guests do", async () => {
    const program = await guest("read");
    program.tell({ do: "say", message: { type: "stats", stages: { encode_ms: 2 } } });
    program.tell({ do: "say", message: { type: "animation", running: true } });
    await program.next(DownFrame.tick);
    const { json } = await ask("get", "/sessions");
    expect(json).toMatchObject({
      sessions: expect.arrayContaining([
        expect.objectContaining({
          name: "read",
          state: "starting",
          profile: "default",
          programs: 1,
          viewers: 0,
          adapter: "scripted",
          stages: { encode: 2 },
        }),
      ]),
    });
    expect(await report("read")).toMatchObject({ name: "read", errors: { worker: 0 } });
  });

  test("a session's last hour", async () => {
    await guest("history");
    const { status, json } = await ask("get", "/sessions/history/history");
    expect(status).toBe(200);
    expect(SessionHistory.parse(json)).toMatchObject({ session: "history" });
  });
});

describe("what an admin does", () => {
  test("makes a session ahead of its guest, with a profile, and removes it", async () => {
    const made = await ask("put", "/sessions/ahead", { body: { profile: "small" } });
    expect(made.status).toBe(200);
    expect(made.json).toMatchObject({ kept: true, profile: "small", profileAssigned: true });
    const program = await guest("ahead");
    expect(await report("ahead")).toMatchObject({ profile: "small", programs: 1 });
    expect((await ask("delete", "/sessions/ahead")).status).toBe(204);
    expect(await program.goodbye()).toBe("An admin removed the session.");
    expect(problem(await ask("get", "/sessions/ahead")).status).toBe(404);
  });

  test("gives a session another profile, and takes it back", async () => {
    await guest("profile");
    const given = await ask("put", "/sessions/profile/profile", { body: { profile: "small" } });
    expect(given.json).toMatchObject({ profile: "small", profileAssigned: true });
    const back = await ask("put", "/sessions/profile/profile", { body: { profile: null } });
    expect(back.json).toMatchObject({ profile: "default", profileAssigned: false });
  });

  test.for([
    { policy: "best-effort" },
    { policy: "equal-share", weight: 2 },
    { policy: "fixed-share", percent: 25 },
    { policy: "target-frame-rate", frameRate: 30 },
  ])("gives a session the share $policy, and takes it back", async (share) => {
    await guest("share");
    const given = await ask("put", "/sessions/share/share", { body: { share } });
    expect(given.json).toMatchObject({ share, shareAssigned: true });
    const back = await ask("put", "/sessions/share/share", { body: { share: null } });
    expect(back.json).toMatchObject({
      share: { policy: "equal-share", weight: 1 },
      shareAssigned: false,
    });
  });

  test("promises the whole GPU by fixed shares, and not one percent more", async () => {
    for (const name of ["first", "second", "third"]) await ask("put", `/sessions/${name}`);
    const promise = (name: string, percent: number) => {
      const body = { share: { policy: "fixed-share", percent } };
      return ask("put", `/sessions/${name}/share`, { body });
    };
    expect((await promise("first", 60)).status).toBe(200);
    expect((await promise("second", 40)).status).toBe(200);
    expect((await promise("second", 30)).status).toBe(200);
    expect(problem(await promise("third", 11))).toEqual({
      status: 409,
      detail:
        "A fixed share of 11 % for session third would promise more than the whole GPU " +
        "(first has 60 %, second has 30 %): give it 10 % at most, or lower another's first.",
    });
    expect(await report("third")).toMatchObject({ shareAssigned: false });
    const byProfile = await ask("put", "/sessions/third/profile", { body: { profile: "half" } });
    expect(problem(byProfile).status).toBe(409);
    await ask("delete", "/sessions/first");
    expect((await promise("third", 11)).status).toBe(200);
    for (const name of ["second", "third"]) await ask("delete", `/sessions/${name}`);
  });

  test.for([
    { why: "an unknown policy", share: { policy: "all-of-it" } },
    { why: "no percent", share: { policy: "fixed-share" } },
    { why: "over 100 percent", share: { policy: "fixed-share", percent: 101 } },
    { why: "a weight of nothing", share: { policy: "equal-share", weight: 0 } },
    { why: "what belongs to another policy", share: { policy: "best-effort", percent: 10 } },
    {
      why: "a frame rate that is no number",
      share: { policy: "target-frame-rate", frameRate: "x" },
    },
  ])("takes no share with $why", async ({ share }) => {
    await guest("share");
    const answer = await ask("put", "/sessions/share/share", { body: { share } });
    expect(problem(answer)).toEqual({
      status: 400,
      detail: expect.stringMatching(/^The body is not as .* says: share/),
    });
  });

  test("pauses a session and resumes it", async () => {
    const program = await guest("pause");
    expect((await ask("post", "/sessions/pause/pause")).json).toMatchObject({
      paused: true,
      state: "paused",
      programs: 1,
    });
    program.tell({ do: "say", message: { type: "animation", running: true } });
    expect((await ask("post", "/sessions/pause/resume")).json).toMatchObject({ paused: false });
    await program.next(DownFrame.tick);
  });

  test("evicts a session: the program is told, and comes back", async () => {
    const program = await guest("evict");
    const { status } = await ask("post", "/sessions/evict/evict", {
      body: { reason: "Too loud." },
    });
    expect(status).toBe(200);
    expect(await program.goodbye()).toBe("An admin ended the session's programs: Too loud.");
    await guest("evict");
    expect(await report("evict")).toMatchObject({ programs: 1 });
  });

  test("quarantines a session until it is released: its guest is refused at the door, also after a restart", async () => {
    const program = await guest("bad");
    const body = { reason: "It hung the GPU." };
    const set = await ask("post", "/sessions/bad/quarantine", { body });
    expect(set.json).toMatchObject({ state: "quarantined", quarantine: "It hung the GPU." });
    const sentence = "Session bad is quarantined until its admin lets it back: It hung the GPU.";
    expect(await program.goodbye()).toBe(sentence);
    await expect(guest("bad")).rejects.toThrow(`403 ${sentence}`);
    expect(problem(await ask("delete", "/sessions/bad"))).toMatchObject({ status: 409 });

    await using next = await TestGateway.start({
      workerMain: SCRIPTED_WORKER,
      stateFolder: `${host.folder}/state`,
    });
    const token = await host.guestToken("bad");
    await expect(ScriptedGuest.connect({ url: next.url, token })).rejects.toThrow(/^403 /);

    expect((await ask("post", "/sessions/bad/release")).json).not.toHaveProperty("quarantine");
    await guest("bad");
    expect(problem(await ask("post", "/sessions/bad/release")).status).toBe(409);
  });

  test("looks at a session's screen by a link whose token only views, and soon ends", async () => {
    await guest("screen");
    const { link, expiresAt } = ScreenLink.parse(
      (await ask("post", "/sessions/screen/screen")).json,
    );
    const [address, token = ""] = link.split("#token=");
    expect(address).toBe("/");
    expect(await host.gateway.tokens.authenticateOperator(token)).toMatchObject({
      role: "view",
      session: "screen",
    });
    const { exp = 0, iat = 0 } = decodeJwt(token);
    expect(exp - iat).toBe(300);
    expect(Math.abs(Date.parse(expiresAt) / 1000 - exp)).toBeLessThan(5);
  });

  test(`keeps ${MAX_KEPT_SESSIONS} sessions and not one more`, async () => {
    const all = Array.from({ length: MAX_KEPT_SESSIONS }, (_, index) => index);
    expect(new Set((await Promise.all(all.map(keep))).map(({ status }) => status))).toEqual(
      new Set([200]),
    );
    expect(problem(await keep(MAX_KEPT_SESSIONS))).toEqual({
      status: 409,
      detail: "The gateway keeps 128 sessions already, which is the limit: remove one first.",
    });
    expect((await keep(0)).status).toBe(200);
    admin = await host.adminToken();
    await Promise.all(all.map((index) => ask("delete", `/sessions/kept-${index}`)));
  });
});

/** A right body for each operation that takes one. */
const BODIES: Readonly<Record<string, object>> = {
  keepSession: { profile: "small" },
  assignProfile: { profile: "small" },
  assignShare: { share: { policy: "fixed-share", percent: 1 } },
  evictSession: {},
  quarantineSession: { reason: "x" },
  recordSession: { on: null },
};
const EVERY = OPERATIONS.map(({ id, method, path, isAct }) => ({
  id,
  method,
  isAct,
  at: (session: string) => path.replace("{name}", session),
  named: path.includes("{name}"),
  body: BODIES[id],
}));

const NAMED = EVERY.filter(({ named }) => named);
/** What may be done before a session's guest has come. */
const AHEAD = new Set(["keepSession", "recordSession"]);

describe.for(EVERY)(
  "$id, asked for with a token that is no host admin's,",
  ({ method, at, body }) => {
    // On a gateway of its own: so many bad tokens of an address are answered otherwise.
    let own: TestGateway;
    beforeAll(async () => {
      own = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
    });
    afterAll(() => own[Symbol.asyncDispose]());

    test.for<{ who: string; token: () => Promise<string> | string; status: number }>([
      { who: "nobody's", token: () => "", status: 401 },
      { who: "of another gateway", token: () => admin, status: 401 },
      {
        who: "expired",
        token: () => own.gateway.tokens.issue({ role: "admin", session: "*" }, -1),
        status: 401,
      },
      { who: "a guest's", token: () => own.guestToken("vm"), status: 403 },
      { who: "a viewer's", token: () => own.operatorToken("vm", "view"), status: 403 },
      { who: "an operator's", token: () => own.operatorToken("vm"), status: 403 },
      {
        who: "one session's admin's",
        token: () => own.gateway.tokens.issue({ role: "admin", session: "vm" }, 60),
        status: 403,
      },
    ])("answers $status where it is $who, and does nothing", async ({ token, status }) => {
      const sent = { url: own.url, token: await token(), body };
      expect(problem(await ask(method, at("vm"), sent)).status).toBe(status);
      expect(own.log).toContainEqual(expect.objectContaining({ event: "admin.refused", status }));
      expect(own.log.filter(({ event }) => event === "admin.acted")).toEqual([]);
    });
  },
);

describe("there is no such session", () => {
  test.for(NAMED.filter(({ id }) => !AHEAD.has(id)))("for $id", async (operation) => {
    const { method, at, body } = operation;
    expect(problem(await ask(method, at("nobody"), { body }))).toEqual({
      status: 404,
      detail: "There is no session nobody.",
    });
  });
});

test.for(NAMED.filter(({ id }) => AHEAD.has(id)))(
  "$id counts for a session whose guest is yet to come",
  async ({ method, at, body }) => {
    expect((await ask(method, at("yet-to-come"), { body })).status).toBe(200);
    await ask("delete", "/sessions/yet-to-come");
  },
);

describe("what is no session's name is not taken", () => {
  test.for(NAMED)("by $id", async ({ method, at, body }) => {
    expect(problem(await ask(method, at("-x"), { body }))).toEqual({
      status: 400,
      detail: expect.stringMatching(/^The session's name is not as .* write 1 to 64 letters/),
    });
  });
});

describe("a body with a member that is not known is not taken", () => {
  test.for(EVERY.filter(({ method }) => method !== "get"))("by $id", async ({ method, at }) => {
    const { status, detail } = problem(await ask(method, at("vm"), { body: { sudo: true } }));
    expect(status).toBe(400);
    expect(detail).toMatch(/^The body is not as \/api\/admin\/openapi\.json says: /);
  });
});

describe("who did it, what, to which session and with what result is in the audit log", () => {
  test.for(EVERY.filter(({ isAct }) => isAct))("of $id", async ({ id, method, at, body }) => {
    await guest("audited");
    await ask(method, at("audited"), { body });
    const { jti } = decodeJwt(admin);
    const line = audits().find(({ tokenId }) => tokenId === jti);
    const result = {
      removeSession: { status: 204, result: "Done." },
      releaseSession: { status: 409, result: "Session audited is not quarantined." },
    }[id] ?? { status: 200, result: "Done." };
    expect(line).toMatchObject({
      act: id,
      session: "audited",
      ...(body === undefined ? {} : { body }),
      ...result,
    });
    expect(JSON.stringify(line)).not.toContain(admin);
    if (id === "quarantineSession") await ask("post", "/sessions/audited/release");
  });

  test("and nothing of what is only read", async () => {
    await guest("audited");
    for (const { method, at } of EVERY.filter(({ isAct }) => !isAct)) {
      expect((await ask(method, at("audited"))).status).toBe(200);
    }
    const { jti } = decodeJwt(admin);
    expect(audits().filter(({ tokenId }) => tokenId === jti)).toEqual([]);
  });
});

describe("a body", () => {
  test(`of ${MAX_BODY_BYTES} bytes is read, and of one more is not`, async () => {
    expect(problem(await evict(padded(MAX_BODY_BYTES))).status).toBe(404);
    expect(problem(await evict(padded(MAX_BODY_BYTES + 1)))).toEqual({
      status: 413,
      detail: "The body is over the limit (8192 bytes).",
    });
  });

  test("gives a reason of so many characters, and not one more", async () => {
    const reason = "x".repeat(MAX_REASON_CHARACTERS);
    expect(problem(await evict(JSON.stringify({ reason }))).status).toBe(404);
    expect(problem(await evict(JSON.stringify({ reason: `${reason}x` }))).status).toBe(400);
  });

  test.for([
    { why: "is no JSON", text: "{", status: 400 },
    { why: "is another kind of value", text: "[]", status: 400 },
    { why: "gives no reason where one is needed", text: '{"reason":" "}', status: 400 },
  ])("that $why is answered with a sentence", async ({ text, status }) => {
    expect(problem(await evict(text)).status).toBe(status);
  });

  test("of a form is not taken", async () => {
    const response = await fetch(`${host.url}/api/admin/sessions/x/evict`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin}` },
      body: new URLSearchParams({ reason: "x" }),
    });
    expect(response.status).toBe(415);
  });
});

test("a profile that is not configured is named, with those that are", async () => {
  await guest("unknown-profile");
  const body = { profile: "huge" };
  expect(problem(await ask("put", "/sessions/unknown-profile/profile", { body }))).toEqual({
    status: 400,
    detail: "Profile huge is not configured; those that are: default, small, half.",
  });
});

test("what the API does not have is a problem too", async () => {
  expect(problem(await ask("get", "/nothing")).status).toBe(404);
  expect(problem(await ask("post", "/host")).status).toBe(404);
});

describe("the live page's connection", () => {
  test("tells all sessions at once, and again each second", async () => {
    await guest("live");
    const socket = connect(admin);
    for (let second = 0; second < 2; second++) {
      const { host: gateway, sessions } = await firstNews(socket);
      expect(gateway.ready).toBe(true);
      expect(sessions).toContainEqual(expect.objectContaining({ name: "live", programs: 1 }));
    }
    socket.disconnect();
  });

  test.for<{ who: string; token: () => Promise<string> | undefined; says: RegExp }>([
    { who: "no token", token: () => undefined, says: /carries no token/ },
    {
      who: "an operator's token",
      token: () => host.operatorToken("vm"),
      says: /role is "control"/,
    },
    { who: "a guest's token", token: () => host.guestToken("vm"), says: /role is "guest"/ },
  ])("is refused with $who", async ({ token, says }) => {
    const socket = connect(await token());
    await expect(firstNews(socket)).rejects.toThrow(says);
    socket.disconnect();
  });

  test("ends when its token does", async () => {
    const short = await host.gateway.tokens.issue({ role: "admin", session: "*" }, 2);
    const socket = connect(short);
    await firstNews(socket);
    const sentence = await new Promise((resolve) => socket.once("refused", resolve));
    expect(sentence).toBe("The token expired: ask for a new one.");
  });

  test("ends when its token is revoked, which comes in no more", async () => {
    const socket = connect(admin);
    await firstNews(socket);
    const told = new Promise((resolve) => socket.once("refused", resolve));
    const { jti } = decodeJwt(admin);
    await host.gateway.tokens.revoke(jti!);
    const sentence = "The token was revoked: ask for a new one.";
    expect(await told).toBe(sentence);
    await expect(firstNews(connect(admin))).rejects.toThrow(sentence);
    expect(problem(await ask("get", "/host"))).toEqual({ status: 401, detail: sentence });
    expect((await getMetrics({ Authorization: `Bearer ${admin}` })).status).toBe(401);
  });

  test(`is there for ${MAX_ADMIN_PAGES} pages and not for one more`, async () => {
    const sockets = Array.from({ length: MAX_ADMIN_PAGES }, () => connect(admin));
    await Promise.all(sockets.map(firstNews));
    const more = connect(admin);
    await expect(firstNews(more)).rejects.toThrow("32 admin pages are open, which is the limit");
    for (const socket of sockets) socket.disconnect();
  });
});

describe("metrics", () => {
  test("are there for an admin, with each session, and for nobody else", async () => {
    await guest("measured");
    const response = await getMetrics({ Authorization: `Bearer ${admin}` });
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=/);
    expect(await response.text()).toContain('heliograph_session_programs{session="measured"} 1');
    expect((await getMetrics()).status).toBe(401);
  });

  test.for([
    { setting: "loopback", bare: 200, proxied: 401, withToken: 200 },
    { setting: "token", bare: 401, proxied: 401, withToken: 200 },
    { setting: "off", bare: 404, proxied: 404, withToken: 404 },
  ])('are "$setting" where the configuration says so', async ({ setting, ...statuses }) => {
    await using own = await TestGateway.start({ yaml: `metrics: ${setting}` });
    const ask2 = async (headers: Record<string, string>) =>
      (await fetch(`${own.url}/metrics`, { headers })).status;
    const token = { Authorization: `Bearer ${await own.adminToken()}` };
    expect({
      bare: await ask2({}),
      proxied: await ask2({ "X-Forwarded-For": "203.0.113.7" }),
      withToken: await ask2(token),
    }).toEqual(statuses);
  });
});
