import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Strangers } from "#server/http/strangers.ts";

const MAX = 6;
const MAX_PER_ADDRESS = 4;
const SHARED = "127.0.0.9";

let server: Server;
let strangers: Strangers;
let accepted: Socket[];
const sockets: Socket[] = [];

beforeEach(async () => {
  accepted = [];
  strangers = new Strangers({
    max: MAX,
    maxPerAddress: MAX_PER_ADDRESS,
    address: (remote) => (remote === SHARED ? undefined : remote),
  });
  server = createServer((socket) => {
    socket.on("error", () => {});
    accepted.push(socket);
    strangers.add(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  await once(server, "close");
});

/** Resolves once the server has it. */
async function from(localAddress: string): Promise<Socket> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It does not listen.");
  const arrived = once(server, "connection");
  const socket = connect({ port: address.port, host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  socket.resume();
  sockets.push(socket);
  await Promise.all([arrived, once(socket, "connect")]);
  return socket;
}

async function many(count: number, address: string): Promise<Socket[]> {
  const made: Socket[] = [];
  while (made.length < count) made.push(await from(address));
  return made;
}

test("as many of one address as the limit stay, and one more closes the oldest", async () => {
  const [oldest, ...others] = await many(MAX_PER_ADDRESS, "127.0.0.2");
  expect(strangers.count).toBe(MAX_PER_ADDRESS);
  expect(accepted.some((socket) => socket.destroyed)).toBe(false);
  const closed = once(oldest!, "close");
  const newest = await from("127.0.0.2");
  await closed;
  expect(strangers.count).toBe(MAX_PER_ADDRESS);
  expect([...others, newest].some((socket) => socket.destroyed)).toBe(false);
});

test("as many of all addresses as the limit stay, and one more closes the oldest", async () => {
  const [oldest] = await many(MAX_PER_ADDRESS, "127.0.0.2");
  await many(MAX - MAX_PER_ADDRESS, "127.0.0.3");
  expect(strangers.count).toBe(MAX);
  const closed = once(oldest!, "close");
  await from("127.0.0.4");
  await closed;
  expect(strangers.count).toBe(MAX);
});

test("who has shown a token is closed by no flood, and leaves its room to others", async () => {
  const guest = await from("127.0.0.2");
  strangers.welcome(accepted[0]!);
  expect(strangers.count).toBe(0);
  await many(3 * MAX, "127.0.0.2");
  expect(strangers.count).toBe(MAX_PER_ADDRESS);
  expect([guest.destroyed, accepted[0]!.destroyed]).toEqual([false, false]);
});

test("an address that many people share has the limit of all alone", async () => {
  await many(MAX, SHARED);
  expect(strangers.count).toBe(MAX);
  expect(accepted.some((socket) => socket.destroyed)).toBe(false);
});

test("who goes by itself is forgotten", async () => {
  const [one, two] = await many(2, "127.0.0.2");
  const gone = Promise.all(accepted.map((socket) => once(socket, "close")));
  one!.destroy();
  two!.destroy();
  await gone;
  expect(strangers.count).toBe(0);
});
