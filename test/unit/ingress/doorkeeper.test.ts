import pino from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { resolveConfig } from "#server/config/config.ts";
import { ClientAddresses, type Sender } from "#server/ingress/client-addresses.ts";
import { Doorkeeper } from "#server/ingress/doorkeeper.ts";
import { Refusal } from "#server/ingress/refusal.ts";
import { Events } from "#server/observe/events.ts";

const LIMIT = 3;
const TOKEN_LIMIT = 2;
const log: string[] = [];
const crowded: string[] = [];
let doorkeeper: Doorkeeper;
let authenticated = 0;

beforeEach(() => {
  vi.useFakeTimers();
  log.length = 0;
  crowded.length = 0;
  authenticated = 0;
  const environment = {
    configFile: undefined,
    stateFolder: "/s",
    cacheFolder: "/c",
    runtimeFolder: "/r",
  };
  const text = `doors: { attemptsPerMinute: ${LIMIT}, failuresPerMinute: ${LIMIT}, joinsPerMinute: ${LIMIT}, tokenJoinsPerMinute: ${TOKEN_LIMIT} }`;
  const config = resolveConfig(environment, {}, { file: "h.yaml", text });
  doorkeeper = new Doorkeeper({
    limits: config.doors,
    addresses: new ClientAddresses([]),
    events: new Events(pino({}, { write: (line) => void log.push(line) })),
    authenticated: () => {
      authenticated++;
    },
    crowded: (session) => void crowded.push(session),
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const from = (remoteAddress: string): Sender => ({
  socket: { remoteAddress, remotePort: 1 },
  headers: {},
});
const MINE = from("192.0.2.1");
const ANOTHER = from("192.0.2.2");

const viewer = (role: "view" | "control" | "admin", id = "mine") => ({
  session: "vm",
  role,
  pass: { id },
});

type Act = (keeper: Doorkeeper, request: Sender) => Promise<void>;

test.for<{ what: string; act: Act; free: Act; says: string }>([
  {
    what: "attempts of an address at a door",
    act: (keeper, request) => keeper.attempt("guest", request),
    free: (keeper, request) => keeper.attempt("viewer", request),
    says: "Address 192.0.2.1 came to this door over 3 times within a minute, which is the limit: try again in 60 s.",
  },
  {
    what: "bad tokens of an address",
    act: (keeper, request) => keeper.failure("guest", request),
    free: (keeper) => keeper.joins("guest", "vm"),
    says: "Over 3 tokens that address 192.0.2.1 showed within a minute were not good, which is the limit: try again in 60 s.",
  },
  {
    what: "joins of a session",
    act: (keeper) => keeper.joins("guest", "vm"),
    free: (keeper) => keeper.joins("guest", "vm-2"),
    says: "Session vm was joined at this door over 3 times within a minute, which is the limit: try again in 60 s.",
  },
])(
  "$what are taken up to the limit, refused with 429 and a sentence past it, and taken again after a minute",
  async ({ act, free, says }) => {
    for (let count = 0; count < LIMIT; count++) await act(doorkeeper, MINE);
    for (let count = 0; count < 5; count++) {
      const refused = act(doorkeeper, MINE);
      await expect(refused).rejects.toBeInstanceOf(Refusal);
      await expect(refused).rejects.toMatchObject({
        status: 429,
        message: says,
        headers: { "Retry-After": "60" },
      });
    }
    await free(doorkeeper, MINE);
    expect(log).toHaveLength(1); // A flood is told of once.
    expect(log[0]).toContain("door.limited");
    vi.advanceTimersByTime(60_000);
    await act(doorkeeper, MINE);
  },
);

test.for<{ what: string; act: Act }>([
  { what: "attempts", act: (keeper, request) => keeper.attempt("web", request) },
  { what: "bad tokens", act: (keeper, request) => keeper.failure("viewer", request) },
])("$what of one address cost no other anything", async ({ act }) => {
  for (let count = 0; count < LIMIT; count++) await act(doorkeeper, MINE);
  await expect(act(doorkeeper, MINE)).rejects.toBeInstanceOf(Refusal);
  await act(doorkeeper, ANOTHER);
});

test("programs that join without end cost their session's viewers nothing", async () => {
  for (let count = 0; count < LIMIT; count++) await doorkeeper.joins("guest", "vm");
  await expect(doorkeeper.joins("guest", "vm")).rejects.toBeInstanceOf(Refusal);
  await doorkeeper.viewerJoins(viewer("control"));
});

test.for(["view", "control", "admin"] as const)(
  "a viewer's token (%s) joins up to its own limit, and costs no other token anything",
  async (role) => {
    for (let count = 0; count < TOKEN_LIMIT; count++) await doorkeeper.viewerJoins(viewer(role));
    await expect(doorkeeper.viewerJoins(viewer(role))).rejects.toMatchObject({
      status: 429,
      message: expect.stringMatching(/^A viewer's token joined session vm over 2 times within/),
    });
    await doorkeeper.viewerJoins(viewer(role, "another"));
    expect(crowded).toEqual(["vm"]);
    vi.advanceTimersByTime(60_000);
    await doorkeeper.viewerJoins(viewer(role));
  },
);

test("viewers that only watch join up to their limit, and cost those in control nothing", async () => {
  for (let count = 0; count < LIMIT; count++) {
    await doorkeeper.viewerJoins(viewer("view", `token ${count}`));
  }
  await expect(doorkeeper.viewerJoins(viewer("view", "one more"))).rejects.toMatchObject({
    message: expect.stringMatching(/^Session vm was joined over 3 times .* viewers that watch/),
  });
  for (let count = 0; count < LIMIT; count++) {
    await doorkeeper.viewerJoins(viewer("control", `key ${count}`));
  }
  await expect(doorkeeper.viewerJoins(viewer("admin", "one more"))).rejects.toMatchObject({
    message: expect.stringMatching(/^Session vm was joined over 3 times .* viewers that steer/),
  });
});

test("who showed a good token is no stranger any more", async () => {
  await doorkeeper.attempt("guest", MINE);
  expect(authenticated).toBe(0);
  doorkeeper.authenticated(MINE);
  expect(authenticated).toBe(1);
});

test("each join that is refused is told with its session, and nothing else is", async () => {
  for (let count = 0; count < LIMIT; count++) await doorkeeper.joins("guest", "vm");
  expect(crowded).toEqual([]);
  for (let count = 0; count < 2; count++) {
    await expect(doorkeeper.joins("guest", "vm")).rejects.toBeInstanceOf(Refusal);
  }
  for (let count = 0; count <= LIMIT; count++) {
    await doorkeeper.attempt("guest", MINE).catch(() => {});
  }
  expect(crowded).toEqual(["vm", "vm"]);
});
