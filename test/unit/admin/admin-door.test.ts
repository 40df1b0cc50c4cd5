import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import pino from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { AdminDoor, MAX_REQUESTS_PER_TEN_SECONDS } from "#server/admin/admin-door.ts";
import { TokenError } from "#server/auth/claims.ts";
import { resolveConfig } from "#server/config/config.ts";
import { ClientAddresses } from "#server/ingress/client-addresses.ts";
import { Doorkeeper } from "#server/ingress/doorkeeper.ts";
import { Events } from "#server/observe/events.ts";

const ADMIN = {
  tokenId: "token-1",
  expiresAt: new Date(),
  pass: { id: "token-1", keyId: "key-1" },
};
const MAX_FAILURES = 3;

let log: { readonly event?: string; readonly reason?: string }[];
let welcomed: number;
beforeEach(() => {
  log = [];
  welcomed = 0;
});

/** A door that takes "good", and every other token as one that `reason` says. */
function doorOf(reason: TokenError["reason"] = "invalid"): AdminDoor {
  return doorThat(async (token) => {
    if (token === "good") return ADMIN;
    throw new TokenError(reason, "The token is not one of this gateway's.");
  });
}

function doorThat(authenticate: (token: string) => Promise<typeof ADMIN>): AdminDoor {
  const environment = {
    configFile: undefined,
    stateFolder: "/s",
    cacheFolder: "/c",
    runtimeFolder: "/r",
  };
  const text = `doors: { failuresPerMinute: ${MAX_FAILURES} }`;
  const events = new Events(pino({}, { write: (line) => void log.push(JSON.parse(line)) }));
  const doorkeeper = new Doorkeeper({
    limits: resolveConfig(environment, {}, { file: "h.yaml", text }).doors,
    addresses: new ClientAddresses([]),
    events,
    authenticated: () => {
      welcomed++;
    },
    crowded: () => {},
  });
  return new AdminDoor({ authenticate, doorkeeper, events });
}

/** Asks the door from `address`. */
function ask(door: AdminDoor, token: string | undefined, address = "10.0.0.1") {
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: address });
  const request = new IncomingMessage(socket);
  if (token !== undefined) request.headers.authorization = `Bearer ${token}`;
  return door.admitRequest(request);
}

describe("the admin's door", () => {
  test("lets in who has an admin's token, whose connection is no stranger's any more", async () => {
    expect(await ask(doorOf(), "good")).toBe(ADMIN);
    expect(welcomed).toBe(1);
  });

  test.for([
    { reason: "invalid", status: 401 },
    { reason: "expired", status: 401 },
    { reason: "revoked", status: 401 },
    { reason: "role", status: 403 },
  ] as const)("answers $status to a token that is $reason", async ({ reason, status }) => {
    await expect(ask(doorOf(reason), "bad")).rejects.toMatchObject({ status });
    expect(welcomed).toBe(0);
  });

  test.for([
    { what: "bad tokens", token: "bad" },
    { what: "requests without a token", token: undefined },
  ])(
    "answers 429 to an address after so many $what, and lets a good token in",
    async ({ token }) => {
      const door = doorOf();
      for (let count = 0; count < MAX_FAILURES; count++) {
        await expect(ask(door, token)).rejects.toMatchObject({
          status: 401,
          headers: { "WWW-Authenticate": "Bearer" },
        });
      }
      await expect(ask(door, token)).rejects.toMatchObject({
        status: 429,
        message: expect.stringMatching(/^Over 3 tokens that address 10\.0\.0\.1 showed/),
        headers: { "Retry-After": expect.stringMatching(/^\d+$/) },
      });
      expect(await ask(door, "good")).toBe(ADMIN);
      await expect(ask(door, token, "10.0.0.2")).rejects.toMatchObject({ status: 401 });
    },
  );

  test("lets a token make so many requests in ten seconds, and not one more, and says so once", async () => {
    const door = doorOf();
    for (let count = 0; count < MAX_REQUESTS_PER_TEN_SECONDS; count++) await ask(door, "good");
    for (let more = 0; more < 2; more++) {
      await expect(ask(door, "good")).rejects.toMatchObject({
        status: 429,
        headers: { "Retry-After": expect.stringMatching(/^\d+$/) },
      });
    }
    expect(log).toEqual([
      expect.objectContaining({
        event: "door.limited",
        reason: expect.stringMatching(/^Over 200 requests came with admin token token-1/),
      }),
    ]);
  });

  test("does not take a fault of the gateway's own for a bad token", async () => {
    const door = doorThat(() => Promise.reject(new Error("The disk is gone.")));
    await expect(ask(door, "good")).rejects.toThrow("The disk is gone.");
  });
});
