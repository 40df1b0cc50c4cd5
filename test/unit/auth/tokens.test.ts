import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Claims, MAX_LIFETIME_SECONDS, TokenError } from "#server/auth/claims.ts";
import { MAX_TOKEN_BYTES, Tokens } from "#server/auth/tokens.ts";

const NOW = new Date("2026-11-24T12:00:00Z");
const HOUR = 3600;
const guest = { role: "guest", session: "vm-1", profile: "default" } as const;
const invitation = {
  role: "invitation",
  session: "vm-1",
  grants: "control",
  lifetime: 2 * HOUR,
} as const;

let folder: string;
let now: Date;
let tokens: Tokens;

const open = () => Tokens.open(folder, () => now);

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-tokens-"));
  now = NOW;
  tokens = await open();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test("a guest's token gives its session and profile", async () => {
  const token = await tokens.issue(guest, HOUR);
  expect(await tokens.authenticateGuest(token)).toMatchObject(guest);
});

test.for(["view", "control", "admin"] as const)(
  "an operator's token gives its role: %s",
  async (role) => {
    const token = await tokens.issue({ role, session: "vm-1" }, HOUR);
    expect(await tokens.authenticateOperator(token)).toMatchObject({ role, session: "vm-1" });
    await expect(tokens.authenticateGuest(token)).rejects.toMatchObject({ reason: "role" });
  },
);

const admin = { role: "admin", session: "*" } as const;

test("the host admin's token gives its name for the log and its end", async () => {
  const token = await tokens.issue(admin, HOUR);
  const [listed] = tokens.list();
  expect(await tokens.authenticateAdmin(token)).toMatchObject({
    tokenId: listed!.id,
    expiresAt: new Date("2026-11-24T13:00:00Z"),
  });
});

test.for<{ who: string; claims: Claims }>([
  { who: "a guest", claims: guest },
  { who: "a viewer", claims: { role: "view", session: "vm-1" } },
  { who: "an operator in control", claims: { role: "control", session: "vm-1" } },
  { who: "one session's admin", claims: { role: "admin", session: "vm-1" } },
])("the token of $who does not open the host", async ({ claims }) => {
  const taken = tokens.authenticateAdmin(await tokens.issue(claims, HOUR));
  await expect(taken).rejects.toMatchObject({ reason: "role" });
  await expect(taken).rejects.toThrow(`This token's role is "${claims.role}" in session vm-1`);
});

test("the host admin's token is no session's: neither a viewer nor a guest comes in by it", async () => {
  const token = await tokens.issue(admin, HOUR);
  await expect(tokens.authenticateOperator(token)).rejects.toThrow(/for the host's admin page/);
  await expect(tokens.authenticateOperator(token)).rejects.toMatchObject({ reason: "role" });
  await expect(tokens.authenticateGuest(token)).rejects.toMatchObject({ reason: "role" });
});

test("the host admin's token opens nothing once it is revoked", async () => {
  const token = await tokens.issue(admin, HOUR);
  await tokens.revoke(tokens.list()[0]!.id);
  await expect(tokens.authenticateAdmin(token)).rejects.toMatchObject({ reason: "revoked" });
});

test("a guest's token and an invitation open what is an operator's only by its own way", async () => {
  for (const claims of [guest, invitation]) {
    const token = await tokens.issue(claims, HOUR);
    await expect(tokens.authenticateOperator(token)).rejects.toMatchObject({ reason: "role" });
    await expect(tokens.authenticateAdmin(token)).rejects.toMatchObject({ reason: "role" });
  }
});

test("a token lasts to its last second and no longer", async () => {
  const token = await tokens.issue(guest, HOUR);
  now = new Date(NOW.getTime() + (HOUR - 1) * 1000);
  expect(await tokens.authenticateGuest(token)).toMatchObject(guest);
  now = new Date(NOW.getTime() + HOUR * 1000);
  const late = tokens.authenticateGuest(token);
  await expect(late).rejects.toMatchObject({ reason: "expired" });
  await expect(late).rejects.toThrow("The token expired at 2026-11-24T13:00:00.000Z");
});

test("the longest life is taken, and one second more is not", async () => {
  await tokens.issue(guest, MAX_LIFETIME_SECONDS);
  await expect(tokens.issue(guest, MAX_LIFETIME_SECONDS + 1)).rejects.toThrow(/over the limit/);
});

function sign(
  payload: Record<string, unknown>,
  { secret = tokens.keys.newest.secret, alg = "HS256", kid = tokens.keys.newest.id } = {},
): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ alg, kid })
    .setExpirationTime(NOW.getTime() / 1000 + HOUR)
    .sign(secret);
}

describe("a token is not taken", () => {
  const claims = { iss: "heliograph", sub: "vm-1", jti: "1", role: "guest", profile: "default" };

  /** A good token of so many bytes. Base64 leaves out each fourth length, which a name of another length makes up for. */
  async function longToken(bytes: number): Promise<string> {
    for (const kind of ["", "x", "xx"]) {
      const padded = (pad: number) => sign({ ...claims, kind, pad: "x".repeat(pad) });
      const empty = (await padded(0)).length;
      for (
        let pad = Math.floor(((bytes - empty) * 3) / 4) - 2;
        pad * 4 <= (bytes - empty) * 3 + 8;
        pad++
      ) {
        const token = await padded(pad);
        if (token.length === bytes) return token;
      }
    }
    throw new Error(`No token has ${bytes} bytes.`);
  }

  test("except this one, made by hand as the others are", async () => {
    expect(await tokens.authenticateGuest(await sign(claims))).toMatchObject(guest);
  });

  test("except one as long as the limit", async () => {
    const token = await longToken(MAX_TOKEN_BYTES);
    expect(await tokens.authenticateGuest(token)).toMatchObject(guest);
  });

  test.for<{ why: string; token: () => Promise<string> | string }>([
    { why: "that is empty", token: () => "" },
    { why: "that is no token", token: () => "a.b.c" },
    { why: "one byte over the limit", token: () => longToken(MAX_TOKEN_BYTES + 1) },
    { why: "of another key", token: () => sign(claims, { secret: randomBytes(32) }) },
    { why: "of a key with an unknown name", token: () => sign(claims, { kid: "else" }) },
    { why: "of another issuer", token: () => sign({ ...claims, iss: "else" }) },
    {
      why: "of another algorithm",
      token: () => sign(claims, { secret: randomBytes(64), alg: "HS512" }),
    },
    { why: "without a session", token: () => sign({ ...claims, sub: undefined }) },
    {
      why: "without an id, which could not be revoked",
      token: () => sign({ ...claims, jti: undefined }),
    },
    { why: "of a guest of all sessions", token: () => sign({ ...claims, sub: "*" }) },
    {
      why: "of a viewer of all sessions",
      token: () => sign({ ...claims, sub: "*", role: "view" }),
    },
    { why: "with a path for a session", token: () => sign({ ...claims, sub: "../vm" }) },
    { why: "of an unknown role", token: () => sign({ ...claims, role: "root" }) },
    { why: "without a profile", token: () => sign({ ...claims, profile: undefined }) },
    {
      why: "without an end",
      token: () =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256", kid: tokens.keys.newest.id })
          .sign(tokens.keys.newest.secret),
    },
    {
      why: "that is not signed",
      token: () => new UnsecuredJWT(claims).setExpirationTime("1h").encode(),
    },
    {
      why: "that was changed",
      token: async () => {
        const [header, , signature] = (await sign(claims)).split(".");
        const other = Buffer.from(JSON.stringify({ ...claims, sub: "vm-2", exp: 9e9 }));
        return `${header}.${other.toString("base64url")}.${signature}`;
      },
    },
  ])("$why", async ({ token }) => {
    const text = await token();
    const taken = tokens.authenticateGuest(text);
    await expect(taken).rejects.toBeInstanceOf(TokenError);
    await expect(taken).rejects.toMatchObject({ reason: "invalid" });
    // The sentence is said to a stranger and logged: nothing of the token is in it.
    await expect(taken).rejects.not.toThrow(text.length > 0 ? text : "undefined");
  });
});

describe("keys", () => {
  test("a token of a key that was made elsewhere a moment ago is taken", async () => {
    const elsewhere = await open();
    await elsewhere.keys.rotate();
    const token = await elsewhere.issue(guest, HOUR);
    expect(await tokens.authenticateGuest(token)).toMatchObject(guest);
  });

  test("a token of an older key is taken until that key is dropped", async () => {
    const old = tokens.keys.newest.id;
    const token = await tokens.issue(guest, HOUR);
    const elsewhere = await open();
    await elsewhere.keys.rotate();
    await tokens.refresh();
    expect(await tokens.authenticateGuest(token)).toMatchObject(guest);
    expect(await tokens.authenticateGuest(await elsewhere.issue(guest, HOUR))).toMatchObject(guest);
    await elsewhere.keys.drop(old);
    await tokens.refresh();
    await expect(tokens.authenticateGuest(token)).rejects.toMatchObject({ reason: "invalid" });
    expect(tokens.list().map(({ state }) => state)).toEqual(["key dropped", "valid"]);
  });
});

describe("an invitation", () => {
  test("is exchanged once for a token of its role and session, which lasts as long as it says", async () => {
    const token = await tokens.issue(invitation, HOUR);
    const { claims, exchanged } = await tokens.admitOperator(token);
    expect(claims).toMatchObject({ role: "control", session: "vm-1" });
    const again = tokens.admitOperator(token);
    await expect(again).rejects.toMatchObject({ reason: "used" });
    await expect(again).rejects.toThrow("The invitation was used already: ask for a new one.");
    expect(await tokens.admitOperator(exchanged!)).toEqual({ claims });
    now = new Date(NOW.getTime() + 2 * HOUR * 1000);
    await expect(tokens.admitOperator(exchanged!)).rejects.toMatchObject({ reason: "expired" });
  });

  test("that two use at once lets exactly one in, also through two processes", async () => {
    const token = await tokens.issue(invitation, HOUR);
    const doors = [tokens, tokens, await open(), await open()];
    const results = await Promise.allSettled(doors.map((each) => each.admitOperator(token)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const told = results.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(told.map(({ reason }) => reason)).toEqual(["used", "used", "used"]);
  });

  test("is in the list, used, beside the token that was given for it", async () => {
    await tokens.admitOperator(await tokens.issue(invitation, HOUR));
    const [asked, given] = tokens.list();
    expect(asked).toMatchObject({ role: "invitation", grants: "control", state: "used" });
    expect(given).toMatchObject({ role: "control", state: "valid", invitation: asked!.id });
  });

  test("that was revoked, or has expired, is exchanged for nothing", async () => {
    const revoked = await tokens.issue(invitation, HOUR);
    await tokens.revoke(tokens.list()[0]!.id);
    await expect(tokens.admitOperator(revoked)).rejects.toMatchObject({ reason: "revoked" });
    const expired = await tokens.issue(invitation, HOUR);
    now = new Date(NOW.getTime() + HOUR * 1000);
    await expect(tokens.admitOperator(expired)).rejects.toMatchObject({ reason: "expired" });
  });
});

/** A connection that a token let in: what it was told. */
const held = async () => {
  const { pass } = await tokens.authenticateGuest(await tokens.issue(guest, HOUR));
  const ended: string[] = [];
  const letGo = tokens.hold(pass, (sentence) => ended.push(sentence));
  return { pass, ended, letGo };
};

describe("who was let in by a token", () => {
  test("hears once that it was revoked, by this process or another; others do not", async () => {
    const bystander = await held();
    const mine = await held();
    const theirs = await held();
    const gone = await held();
    gone.letGo();
    await tokens.revoke(mine.pass.id);
    await tokens.revoke(gone.pass.id);
    const elsewhere = await open();
    await elsewhere.revoke(theirs.pass.id);
    expect(theirs.ended).toEqual([]);
    await tokens.refresh();
    await tokens.refresh();
    const sentence = "The token was revoked: ask for a new one.";
    expect([mine.ended, theirs.ended, gone.ended]).toEqual([[sentence], [sentence], []]);
    expect(bystander.ended).toEqual([]);
  });

  test("hears of a revocation that came before it was held", async () => {
    const { pass } = await tokens.authenticateGuest(await tokens.issue(guest, HOUR));
    await tokens.revoke(pass.id);
    const ended: string[] = [];
    tokens.hold(pass, (sentence) => ended.push(sentence));
    expect(ended).toHaveLength(1);
  });

  test("hears that the key of its token was dropped, from a process that is told of by the files alone", async () => {
    const failures: unknown[] = [];
    using watch = tokens.watch((error) => failures.push(error));
    expect(watch).toBeDefined();
    const old = tokens.keys.newest.id;
    const { pass } = await tokens.authenticateGuest(await tokens.issue(guest, HOUR));
    const heard = new Promise<string>((resolve) => {
      tokens.hold(pass, resolve);
    });
    const elsewhere = await open();
    await elsewhere.keys.rotate();
    await elsewhere.keys.drop(old);
    expect(await heard).toMatch(/^The key that signed this token is no longer in use/);
    expect(failures).toEqual([]);
  });
});

test("no token stands on disk", async () => {
  const made = [await tokens.issue(guest, HOUR), await tokens.issue(invitation, HOUR)];
  made.push((await tokens.admitOperator(made[1]!)).exchanged!);
  let disk = "";
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) disk += await readFile(path.join(entry.parentPath, entry.name), "utf8");
  }
  expect(disk).toContain("invitation");
  for (const token of made) {
    for (const part of token.split(".")) expect(disk).not.toContain(part);
  }
});
