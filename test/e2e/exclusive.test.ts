import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";

// Guests whose profile gives them the whole GPU, at the door of a gateway with real worker processes.

const TAKEN = "503 Another session has the GPU for itself: try again when its programs have ended.";

let host: TestGateway;

beforeAll(async () => {
  host = await TestGateway.start({
    workerMain: SCRIPTED_WORKER,
    yaml: "profiles: { alone: { exclusive: true } }",
  });
  await host.gateway.ready();
});
afterAll(() => host[Symbol.asyncDispose]());

const guest = async (session: string, profile = "default") =>
  ScriptedGuest.connect({ url: host.url, token: await host.guestToken(session, profile) });

const ended = () => host.log.filter(({ event }) => event === "guest.ended").length;

/** The program leaves, and the gateway has heard it. */
async function left(program: ScriptedGuest): Promise<void> {
  const before = ended();
  await program[Symbol.asyncDispose]();
  while (ended() === before) await turn();
}

async function sessions(): Promise<string[]> {
  const headers = { Authorization: `Bearer ${await host.adminToken()}` };
  const response = await fetch(`${host.url}/api/admin/sessions`, { headers });
  const { sessions: all }: { sessions: { name: string }[] } = await response.json();
  return all.map(({ name }) => name);
}

async function assign(session: string, profile: string): Promise<number> {
  const response = await fetch(`${host.url}/api/admin/sessions/${session}/profile`, {
    method: "PUT",
    headers: {
      Authorization: `Bearer ${await host.adminToken()}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ profile }),
  });
  return response.status;
}

describe("an exclusive guest", () => {
  test("has the GPU for itself: others are refused with a sentence, and let in when it is gone", async () => {
    const alone = await guest("alone", "alone");
    await using second = await guest("alone", "alone");
    await expect(guest("other")).rejects.toThrow(TAKEN);
    await expect(guest("another", "alone")).rejects.toThrow(TAKEN);
    expect(await sessions()).toEqual(["alone"]); // Who was refused is not remembered.
    await left(alone);
    await expect(guest("other")).rejects.toThrow(TAKEN); // Its second program is inside yet.
    await left(second);
    await left(await guest("other"));
  });

  test("is refused while others are inside, and puts nobody out", async () => {
    const other = await guest("other");
    await expect(guest("alone", "alone")).rejects.toThrow(
      "503 Session alone is to have the GPU for itself, and others use it: try again when their programs have ended.",
    );
    expect(other.ws.readyState).toBe(other.ws.OPEN);
    await left(other);
    await left(await guest("alone", "alone"));
  });

  test("of two that come at once, one is let in", async () => {
    const both = await Promise.allSettled([guest("one", "alone"), guest("two", "alone")]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    for (const each of both) if (each.status === "fulfilled") await left(each.value);
  });

  test("is made by an admin only of one that is alone inside", async () => {
    const one = await guest("one");
    const two = await guest("two");
    expect(await assign("one", "alone")).toBe(409);
    await left(two);
    expect(await assign("one", "alone")).toBe(200);
    await expect(guest("two")).rejects.toThrow(TAKEN);
    expect(await assign("one", "default")).toBe(200);
    await left(await guest("two"));
    await left(one);
  });
});
