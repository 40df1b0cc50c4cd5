import { once } from "node:events";
import { WebSocket } from "ws";
import { ADMIN_NAMESPACE } from "#shared/admin/paths.ts";
import { SIGNALING_PATH, VIEWER_NAMESPACE } from "#shared/signaling/messages.ts";
import { quiet } from "../deadline.ts";
import { GatewaySubject, type GatewayPlace } from "../hosts/gateway-subject.ts";
import { mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { ANSWER } from "../samples.ts";
import type { Target } from "../target.ts";

const MIB = 1024 * 1024;
/** Under what a connection may send in a second, which ends it. */
const MOST_PACKETS = 60;
const QUIET_MS = 300;

/** Stand for tokens in the messages: a kept one outlives its gateway. */
const OPERATOR = "{{operator}}";
const ADMIN = "{{admin}}";

/** engine.io's packets on the viewers' WebSocket, before a token and after one. */
export async function signaling(): Promise<Target> {
  return {
    name: "signaling",
    what: "engine.io packets of viewers and admin pages, before a token and after one",
    share: 20_000,
    maxGrowth: 32 * MIB,
    open: () => GatewaySubject.open("scripted", play),
    generate,
  };
}

function generate(random: Random): Buffer[] {
  const namespace = random.pick([VIEWER_NAMESPACE, VIEWER_NAMESPACE, ADMIN_NAMESPACE, "/", "/no"]);
  const token = namespace === ADMIN_NAMESPACE ? ADMIN : OPERATOR;
  const messages: Buffer[] = [];
  if (random.chance(0.8)) messages.push(text(`40${namespace},${JSON.stringify({ token })}`));
  for (let left = random.below(MOST_PACKETS); left > 0; left--) {
    const packet = text(somePacket(random, namespace));
    messages.push(random.chance(0.4) ? mutateBytes(random, packet) : packet);
  }
  return messages;
}

function somePacket(random: Random, namespace: string): string {
  const sdp = random.chance(0.3) ? "v=0" : ANSWER;
  const candidate = { candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host", sdpMid: "0" };
  const event = random.pick<readonly unknown[]>([
    ["candidate", candidate],
    ["candidate", null],
    ["candidate", { candidate: "candidate:", sdpMLineIndex: 65 }],
    ["description", { type: random.pick(["answer", "offer"]), sdp }],
    ["description", { type: "answer", sdp: "x".repeat(40_000) }],
    ["disconnect"],
    ["connect_error", {}],
    ["__proto__", {}],
    [{ toString: 1 }, null],
    [],
  ]);
  return random.pick([
    `42${namespace},${JSON.stringify(event)}`,
    `42${namespace},${JSON.stringify(event)}`,
    `42${namespace},${random.below(9)}${JSON.stringify(event)}`,
    `451-${namespace},["description",{"_placeholder":true,"num":0}]`,
    `43${namespace},1[]`,
    `41${namespace},`,
    `40${namespace},{"token":"no.good.token"}`,
    `40${namespace},{"token":{"token":1}}`,
    `44${namespace},{"message":"no"}`,
    "2",
    "3",
    "3probe",
    "5",
    "6",
    "1",
    "0{}",
    "bAAAA",
  ]);
}

function text(packet: string): Buffer {
  return Buffer.from(packet);
}

async function play(place: GatewayPlace, messages: readonly Buffer[]): Promise<number> {
  const url = `${place.url.replace("http", "ws")}${SIGNALING_PATH}/?EIO=4&transport=websocket`;
  const ws = new WebSocket(url);
  ws.on("error", () => {});
  await quiet(QUIET_MS * 10, [once(ws, "open"), once(ws, "close")]);
  let sent = 0;
  for (const message of messages) {
    if (ws.readyState !== WebSocket.OPEN) break;
    const packet = message
      .toString()
      .replaceAll(OPERATOR, await place.operator("fuzz"))
      .replaceAll(ADMIN, await place.admin(sent));
    ws.send(packet, { binary: message[0]! >= 0x80 });
    sent++;
    // The token is looked at before what comes behind it.
    if (packet.startsWith("40") && packet.includes("token")) {
      await quiet(QUIET_MS, [once(ws, "message"), once(ws, "close")]);
    }
  }
  if (ws.readyState === WebSocket.OPEN) {
    ws.ping();
    await quiet(QUIET_MS, [once(ws, "pong"), once(ws, "close")]);
  }
  ws.terminate();
  return sent;
}
