import { randomBytes } from "node:crypto";
import { SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, test } from "vitest";
import { type Claims, TokenError, Tokens } from "#server/auth/tokens.ts";

const NOW = new Date("2026-11-24T12:00:00Z");
const HOUR = 3600;
const key = { id: "key-1", secret: randomBytes(32) };
const tokens = new Tokens(key, () => NOW);
const after = (seconds: number) => new Tokens(key, () => new Date(NOW.getTime() + seconds * 1000));

const guest = { role: "guest", session: "vm-1", profile: "default" } as const;

test("a guest's token gives its session and profile", async () => {
  const token = await tokens.issue(guest, HOUR);
  expect(await tokens.authenticateGuest(token)).toEqual(guest);
});

test.for(["view", "control", "admin"] as const)(
  "an operator's token gives its role: %s",
  async (role) => {
    const token = await tokens.issue({ role, session: "vm-1" }, HOUR);
    expect(await tokens.authenticateOperator(token)).toEqual({ role, session: "vm-1" });
    await expect(tokens.authenticateGuest(token)).rejects.toMatchObject({ reason: "role" });
  },
);

const admin = { role: "admin", session: "*" } as const;

test("the host admin's token gives its name for the log and its end", async () => {
  const token = await tokens.issue(admin, HOUR);
  const { tokenId: id, expiresAt } = await tokens.authenticateAdmin(token);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(expiresAt).toEqual(new Date("2026-11-24T13:00:00Z"));
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
  await expect(tokens.authenticateGuest(token)).rejects.toMatchObject({ reason: "role" });
});

test("a guest's token opens no viewer", async () => {
  const token = await tokens.issue(guest, HOUR);
  await expect(tokens.authenticateOperator(token)).rejects.toMatchObject({ reason: "role" });
});

test("a token lasts to its last second and no longer", async () => {
  const token = await tokens.issue(guest, HOUR);
  expect(await after(HOUR - 1).authenticateGuest(token)).toEqual(guest);
  const late = after(HOUR).authenticateGuest(token);
  await expect(late).rejects.toMatchObject({ reason: "expired" });
  await expect(late).rejects.toThrow("The token expired at 2026-11-24T13:00:00.000Z");
});

const sign = (payload: Record<string, unknown>, secret = key.secret, alg = "HS256") =>
  new SignJWT(payload)
    .setProtectedHeader({ alg })
    .setExpirationTime(NOW.getTime() / 1000 + HOUR)
    .sign(secret);

describe("a token is not taken", () => {
  const claims = { iss: "heliograph", sub: "vm-1", role: "guest", profile: "default" };

  test("except this one, made by hand as the others are", async () => {
    expect(await tokens.authenticateGuest(await sign(claims))).toEqual(guest);
  });

  test.for<{ why: string; token: () => Promise<string> | string }>([
    { why: "that is empty", token: () => "" },
    { why: "that is no token", token: () => "a.b.c" },
    { why: "over the limit", token: () => "x".repeat(4097) },
    { why: "of another key", token: () => sign(claims, randomBytes(32)) },
    { why: "of another issuer", token: () => sign({ ...claims, iss: "else" }) },
    { why: "of another algorithm", token: () => sign(claims, randomBytes(64), "HS512") },
    { why: "without a session", token: () => sign({ ...claims, sub: undefined }) },
    { why: "with a path for a session", token: () => sign({ ...claims, sub: "../vm" }) },
    { why: "of an unknown role", token: () => sign({ ...claims, role: "root" }) },
    { why: "of a guest for every session", token: () => sign({ ...claims, sub: "*" }) },
    { why: "without a profile", token: () => sign({ ...claims, profile: undefined }) },
    {
      why: "without an end",
      token: () => new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key.secret),
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
