import { once } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { ResumableCarrier } from "#server/ingress/resumable-carrier.ts";
import { MAX_SESSION_KEPT_BYTES, ResumableLinks } from "#server/ingress/resumable-links.ts";
import { KEPT_DOWN_BYTES } from "#shared/link/guest-link.ts";
import { CHUNK_COST_BYTES } from "#shared/link/send-buffer.ts";

let server: WebSocketServer;
let links: ResumableLinks;
const relays: WebSocket[] = [];

beforeEach(async () => {
  server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  links = new ResumableLinks();
});

afterEach(() => {
  for (const relay of relays.splice(0)) relay.terminate();
  server.close();
});

/** A link of the session whose relay reads everything and acknowledges nothing. */
async function link(session: string) {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("No port.");
  const relay = new WebSocket(`ws://127.0.0.1:${address.port}`);
  relays.push(relay);
  const [[ws]] = await Promise.all([
    new Promise<[WebSocket]>((resolve) => server.once("connection", (socket) => resolve([socket]))),
    once(relay, "open"),
  ]);
  const given: string[] = [];
  const carrier = links.open(
    session,
    (options) =>
      new ResumableCarrier(ws, {
        ...options,
        resumeMs: 60_000,
        events: {
          up: () => true,
          drained: () => {},
          roundTrip: () => {},
          away: () => {},
          back: () => {},
          // As a guest's link does.
          breach: (sentence) => {
            given.push(sentence);
            carrier.close(1008, sentence, undefined);
          },
          ended: () => {},
        },
      }),
  );
  return { carrier, given, relay, break: () => broken(relay, carrier) };
}
type Link = Awaited<ReturnType<typeof link>>;

async function broken(relay: WebSocket, carrier: ResumableCarrier): Promise<void> {
  relay.terminate();
  await vi.waitUntil(() => carrier.isAway);
}

const FRAME_BYTES = 1 << 20;

/** Has the gateway keep so many bytes for it. */
function fill({ carrier }: Link, bytes: number): void {
  while (bytes - carrier.held > FRAME_BYTES + 2 * CHUNK_COST_BYTES) {
    carrier.send(new Uint8Array(FRAME_BYTES));
  }
  carrier.send(new Uint8Array(bytes - carrier.held - CHUNK_COST_BYTES));
}

async function fullSession(session: string): Promise<Link[]> {
  const full: Link[] = [];
  for (let left = MAX_SESSION_KEPT_BYTES / KEPT_DOWN_BYTES; left > 0; left--) {
    full.push(await link(session));
    fill(full.at(-1)!, KEPT_DOWN_BYTES);
  }
  return full;
}

test("eight links of a session may keep all that they may, away or not, and others keep theirs", async () => {
  const full = await fullSession("vm");
  await full[3]!.break();
  const other = await link("other");
  fill(other, KEPT_DOWN_BYTES);
  expect(full.reduce((sum, { carrier }) => sum + carrier.held, 0)).toBe(MAX_SESSION_KEPT_BYTES);
  expect([...full, other].flatMap(({ given }) => given)).toEqual([]);
});

test("past the sum the link that is away the longest is given up with a sentence, and its id names nothing", async () => {
  const full = await fullSession("vm");
  const idle = await link("vm");
  await idle.break(); // Its end would be no help.
  await full[5]!.break();
  await full[2]!.break();
  const one = await link("vm");
  one.carrier.send(new Uint8Array(1));
  expect(full.map(({ given }) => given.length)).toEqual([0, 0, 0, 0, 0, 1, 0, 0]);
  expect(full[5]!.given[0]).toBe(
    `Over ${MAX_SESSION_KEPT_BYTES} bytes wait for the relay of this session's programs; this one is away the longest, and is given up.`,
  );
  expect([one.carrier.held, idle.given]).toEqual([1 + CHUNK_COST_BYTES, []]);
});

test("where none is away, the link for which the most is kept is given up", async () => {
  const full = await fullSession("vm");
  const one = await link("vm");
  one.carrier.send(new Uint8Array(1));
  expect(full.flatMap(({ given }) => given)).toEqual([expect.stringMatching(/has the most of it/)]);
  expect(one.given).toEqual([]);
});
