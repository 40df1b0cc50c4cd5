import { describe, expect, test } from "vitest";
import {
  AdminDoor,
  MAX_BAD_TOKENS_PER_MINUTE,
  MAX_REQUESTS_PER_TEN_SECONDS,
} from "#server/admin/admin-door.ts";
import { TokenError } from "#server/auth/claims.ts";

const ADMIN = {
  tokenId: "token-1",
  expiresAt: new Date(),
  pass: { id: "token-1", keyId: "key-1" },
};

/** A door that takes "good", and every other token as one that `reason` says. */
function doorOf(reason: TokenError["reason"] = "invalid"): AdminDoor {
  return new AdminDoor(async (token) => {
    if (token === "good") return ADMIN;
    throw new TokenError(reason, "The token is not one of this gateway's.");
  });
}

describe("the admin's door", () => {
  test("lets in who has an admin's token", async () => {
    expect(await doorOf().admit("good", "10.0.0.1")).toBe(ADMIN);
  });

  test.for([
    { reason: "invalid", status: 401 },
    { reason: "expired", status: 401 },
    { reason: "role", status: 403 },
  ] as const)("answers $status to a token that is $reason", async ({ reason, status }) => {
    await expect(doorOf(reason).admit("bad", "10.0.0.1")).rejects.toMatchObject({ status });
  });

  test("closes to an address after so many bad tokens, also for a good one, and to no other", async () => {
    const door = doorOf();
    for (let count = 0; count < MAX_BAD_TOKENS_PER_MINUTE; count++) {
      await expect(door.admit("bad", "10.0.0.1")).rejects.toMatchObject({ status: 401 });
    }
    await expect(door.admit("good", "10.0.0.1")).rejects.toMatchObject({
      status: 429,
      message: expect.stringMatching(/Too many bad tokens came from this address: try again in/),
      headers: { "Retry-After": expect.stringMatching(/^\d+$/) },
    });
    expect(await door.admit("good", "10.0.0.2")).toBe(ADMIN);
  });

  test("lets a token make so many requests in ten seconds, and not one more", async () => {
    const door = doorOf();
    for (let count = 0; count < MAX_REQUESTS_PER_TEN_SECONDS; count++) {
      await door.admit("good", "10.0.0.1");
    }
    await expect(door.admit("good", "10.0.0.1")).rejects.toMatchObject({ status: 429 });
  });

  test("does not take a fault of the gateway's own for a bad token", async () => {
    const door = new AdminDoor(() => Promise.reject(new Error("The disk is gone.")));
    await expect(door.admit("good", "10.0.0.1")).rejects.toThrow("The disk is gone.");
  });
});
