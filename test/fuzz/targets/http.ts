import { once } from "node:events";
import { connect } from "node:net";
import { OPERATIONS } from "#server/admin/operations.ts";
import { quiet } from "../deadline.ts";
import { GatewaySubject, type GatewayPlace } from "../hosts/gateway-subject.ts";
import { mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import type { Target } from "../target.ts";

const MIB = 1024 * 1024;
const MESSAGES_A_CASE = 100;
/** Who sends half a request waits for its headers' timeout, and we do not. */
const ANSWER_MS = 60;

/** Stand for tokens in the messages: a kept one outlives its gateway. */
const ADMIN = "{{admin}}";
const GUEST = "{{guest}}";

const PATHS = [
  "/",
  "/healthz",
  "/readyz",
  "/metrics",
  "/guest",
  "/signaling/?EIO=4&transport=websocket",
  "/signaling/?EIO=4&transport=polling",
  "/admin",
  "/admin/",
  "/index.html",
  "/assets/../../package.json",
  "/%2e%2e/%2e%2e/package.json",
  "/api/admin/openapi.json",
  "/api/admin/%00",
  "//api/admin/host",
  "http://other/guest",
  "*",
  "",
] as const;

const SESSIONS = ["fuzz", "fuzz", "made-by-fuzz", "nobody", "a%2fb", "..", "%", "x".repeat(65)];

const BODIES = [
  "",
  "{}",
  '{"profile":"default"}',
  '{"profile":null}',
  '{"reason":"It is being fuzzed."}',
  '{"reason":""}',
  '{"__proto__":{"profile":"default"}}',
  "[".repeat(500),
  "null",
  '"text"',
  `{"reason":"${"x".repeat(9000)}"}`,
] as const;

const HEADERS = [
  "Connection: keep-alive",
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  "Sec-WebSocket-Protocol: heliograph.v1",
  "Sec-WebSocket-Protocol: heliograph.v1.resume",
  `heliograph-resume: ${"A".repeat(43)} 1 0`,
  "Origin: http://gateway",
  "Origin: null",
  "X-Forwarded-For: 1.2.3.4, ::1",
  "Range: bytes=0-1,5-,-9",
  "If-None-Match: *",
  "Expect: 100-continue",
  "Transfer-Encoding: chunked",
  "Content-Encoding: gzip",
  "Accept-Encoding: br",
  `Cookie: ${"a=b; ".repeat(200)}`,
] as const;

/** Requests of all kinds to the gateway's one port, the admin API with a good token among them. */
export async function http(): Promise<Target> {
  return {
    name: "http",
    what: "HTTP requests, to every path and the admin API",
    share: 10_000,
    maxGrowth: 24 * MIB,
    open: () => GatewaySubject.open("scripted", play),
    generate: (random) => Array.from({ length: MESSAGES_A_CASE }, () => request(random)),
  };
}

function request(random: Random): Buffer {
  const operation = random.pick(OPERATIONS);
  const isApi = random.chance(0.6);
  const method = isApi
    ? operation.method.toUpperCase()
    : random.pick(["GET", "GET", "POST", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]);
  const path = isApi
    ? `/api/admin${operation.path.replace("{name}", random.pick(SESSIONS))}`
    : random.pick(PATHS);
  const body = isApi && random.chance(0.7) ? random.pick(BODIES) : "";
  const token = random.pick([ADMIN, ADMIN, ADMIN, GUEST, "no.good.token", "x".repeat(5000)]);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: gateway",
    ...(random.chance(0.85) ? [`Authorization: Bearer ${token}`] : []),
    ...(body === "" ? [] : ["Content-Type: application/json"]),
    ...(random.chance(0.4) ? [random.pick(HEADERS)] : []),
    ...(random.chance(0.2) ? [random.pick(HEADERS)] : []),
    `Content-Length: ${random.chance(0.97) ? body.length : random.pick([1, -1, 2 ** 53])}`,
    ...(random.chance(0.8) ? ["Connection: close"] : []),
  ];
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
  return random.chance(0.3) ? mutateBytes(random, bytes) : bytes;
}

/** Each request on a connection of its own. */
async function play(place: GatewayPlace, messages: readonly Buffer[]): Promise<number> {
  const port = Number(new URL(place.url).port);
  await Promise.all(
    messages.map(async (message, at) => send(port, await filledIn(message, place, at))),
  );
  return messages.length;
}

async function send(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => socket.destroy());
  socket.resume();
  socket.write(bytes);
  await quiet(ANSWER_MS, [once(socket, "close")]);
  socket.destroy();
}

async function filledIn(message: Buffer, place: GatewayPlace, at: number): Promise<Buffer> {
  const text = message
    .toString("latin1")
    .replaceAll(ADMIN, await place.admin(at))
    .replaceAll(GUEST, await place.guest("fuzz"));
  return Buffer.from(text, "latin1");
}
