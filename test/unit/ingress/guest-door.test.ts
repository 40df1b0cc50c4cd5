import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { PassThrough } from "node:stream";
import pino from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resolveConfig } from "#server/config/config.ts";
import { ClientAddresses } from "#server/ingress/client-addresses.ts";
import { Doorkeeper } from "#server/ingress/doorkeeper.ts";
import { GuestDoor, type GuestDoorOptions, MAX_UNCHECKED } from "#server/ingress/guest-door.ts";
import { Events } from "#server/observe/events.ts";
import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import { MAX_CONNECTIONS } from "#server/session/limits.ts";
import { Quarantine } from "#server/session/quarantine.ts";
import { Session } from "#server/session/session.ts";
import { GUEST_SUBPROTOCOL } from "#shared/link/guest-link.ts";

// How many may wait at the door, where nobody comes through: tokens that are never checked, workers that never start.

const never = new Promise<never>(() => {});
const events = new Events(pino({ level: "silent" }));
const environment = {
  configFile: undefined,
  stateFolder: "/s",
  cacheFolder: "/c",
  runtimeFolder: "/r",
};
const text = "doors: { attemptsPerMinute: 100000, joinsPerMinute: 100000 }";
const { doors, profiles } = resolveConfig(environment, {}, { file: "h.yaml", text });
const profile = profiles.get("default")!;

let gpu: GpuScheduler;

beforeEach(() => {
  gpu = new GpuScheduler({ deadlineMs: () => 1000 });
});

afterEach(() => {
  gpu[Symbol.dispose]();
});

/** `starts` is called for each worker that is to be started, which none ever is. */
function sessionOf(name: string, starts: () => void): Session {
  return new Session(profile, {
    name,
    frameRate: "paced",
    workerIdleMs: 0,
    events,
    observer: {},
    startWorker: () => {
      starts();
      return never;
    },
    postToMedia: () => {},
    gpu,
    quarantine: Quarantine.open(tmpdir(), () => {}),
    exclusion: () => undefined,
    onEmpty: () => {},
  });
}

function doorWith({
  authenticate,
  session,
}: Pick<GuestDoorOptions, "authenticate" | "session">): GuestDoor {
  return new GuestDoor({
    authenticate,
    hold: () => () => {},
    doorkeeper: new Doorkeeper({
      limits: doors,
      addresses: new ClientAddresses([]),
      events,
      authenticated: () => {},
      crowded: () => {},
    }),
    hasProfile: () => true,
    quarantined: () => undefined,
    session,
    resumeMs: 0,
    recording: () => undefined,
    events,
  });
}

/** Resolves with the first line of the answer. */
async function knock(door: GuestDoor, session = "vm"): Promise<string> {
  const request = new IncomingMessage(new Socket());
  request.headers = {
    authorization: `Bearer ${session}`,
    "sec-websocket-protocol": GUEST_SUBPROTOCOL,
  };
  const socket = new PassThrough();
  const answer = new Promise<string>((resolve) => {
    socket.once("data", (chunk: Buffer) => resolve(chunk.toString().split("\r\n", 1)[0]!));
  });
  void door.admit(request, socket, Buffer.alloc(0));
  return answer;
}

test(`${MAX_UNCHECKED} tokens are checked at once, and one more is not`, async () => {
  let checked = 0;
  using door = doorWith({
    authenticate: () => {
      checked++;
      return never;
    },
    session: () => {
      throw new Error("Nobody is let in.");
    },
  });
  const waiting = Array.from({ length: MAX_UNCHECKED }, () => knock(door));
  await expect.poll(() => checked).toBe(MAX_UNCHECKED);
  expect(await knock(door)).toMatch(/^HTTP\/1\.1 503 /);
  expect(checked).toBe(MAX_UNCHECKED);
  expect(await Promise.race([...waiting, Promise.resolve("they wait")])).toBe("they wait");
});

test("programs that wait for their session's worker keep no other session's out", async () => {
  const starting = new Set<string>();
  const sessions = new Map<string, Session>();
  using door = doorWith({
    authenticate: async (session) => ({
      role: "guest",
      session,
      profile: "default",
      pass: { id: session, keyId: "key" },
    }),
    session: ({ session: name }) => {
      const found = sessions.get(name) ?? sessionOf(name, () => starting.add(name));
      sessions.set(name, found);
      return found;
    },
  });
  const names = Array.from({ length: MAX_UNCHECKED / MAX_CONNECTIONS }, (_, at) => `vm-${at}`);
  for (const name of names) {
    for (let count = 0; count < MAX_CONNECTIONS; count++) void knock(door, name);
    expect(await knock(door, name)).toMatch(/^HTTP\/1\.1 503 /); // Its own limit.
  }
  void knock(door, "another");
  await expect.poll(() => starting).toEqual(new Set([...names, "another"]));
  for (const session of sessions.values()) void session.close("The test is over.");
});
