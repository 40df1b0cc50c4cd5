import { createSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { assertNever } from "#shared/base/assert.ts";
import { INPUT_CHANNEL, MOVES_CHANNEL } from "#shared/signaling/messages.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { datagram } from "../datagrams.ts";
import { within } from "../deadline.ts";
import { GatewaySubject, type GatewayPlace } from "../hosts/gateway-subject.ts";
import { mutateBytes } from "../mutate.ts";
import { Random } from "../random.ts";
import { accessUnit, INPUTS, rtcpPackets, SCTP_PACKETS } from "../samples.ts";
import type { Target } from "../target.ts";
import { ViewerPeer } from "../viewer-peer.ts";

const MIB = 1024 * 1024;
const MOST_MESSAGES = 300;

/** How a message goes, in its first byte. */
const WAYS = ["answer", "stranger", "input", "moves", "sctp", "rtcp", "peer"] as const;
type Way = (typeof WAYS)[number];
/** An answer's message is the seed of what is altered in it: a good one is made on the spot. */
const SEED_BYTES = 4;
const ANSWER = WAYS.indexOf("answer");

/** Nobody is at fault where the machine is busy as all begins. */
const WITNESS_CONNECT_MS = 10_000;

/** The media thread has its ports by then. */
const CONNECT_MS = 1000;

/** Of the messages, those that are sent before the viewer has answered: all as a stranger's datagrams. */
const BEFORE = 0.2;

const RTCP_HEADER_BYTES = 8;

/** The media thread has looked at what was sent by then. */
const SETTLE_MS = 30;

/** Frames of the pictures, and how long the witness may go without a word of its stream. */
const FRAME_MS = 50;
const MOST_SILENCE_MS = 3000;

/** A viewer that means harm: signaling, datagrams of strangers and its own, data channels, RTCP and SCTP. */
export async function viewer(): Promise<Target> {
  return {
    name: "viewer",
    what: "a viewer's answer, datagrams, data channels, SCTP and RTCP",
    share: 20_000,
    maxGrowth: 48 * MIB,
    open: () => {
      const viewers = new Viewers();
      return GatewaySubject.open("scripted", viewers.play, viewers);
    },
    generate: (random) => {
      const messages: Buffer[] = [];
      if (random.chance(0.3)) messages.push(message(ANSWER, content(random, "answer")));
      for (let left = 1 + random.below(MOST_MESSAGES); left > 0; left--) {
        const way = 1 + random.below(WAYS.length - 1);
        // Bad input ends the viewer: most is good, so that the rest is heard.
        messages.push(message(way, content(random, WAYS[way]!)));
      }
      return messages;
    },
  };
}

function message(way: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(way), bytes]);
}

function content(random: Random, way: Way): Buffer {
  switch (way) {
    case "input":
      return random.chance(0.98) ? random.pick(INPUTS) : mutateBytes(random, random.pick(INPUTS));
    case "moves":
      return random.chance(0.98) ? INPUTS[0]! : mutateBytes(random, INPUTS[0]!);
    case "sctp":
      // Most end the viewer at the checksum.
      return random.chance(0.97) ? Buffer.alloc(0) : mutateBytes(random, random.pick(SCTP_PACKETS));
    case "rtcp":
      return mutateBytes(random, random.pick(rtcpPackets(random.chance(0.5) ? 0 : random.next())));
    case "answer":
      return random.bytes(SEED_BYTES);
    case "stranger":
    case "peer":
      return datagram(random);
    default:
      return assertNever(way);
  }
}

/** Another session on the same media thread, whose viewer must go on having its stream. */
class Viewers implements AsyncDisposable {
  #witness: Promise<{ viewer: ViewerPeer; seenAt: number; seen: number }> | undefined;

  readonly play = async (place: GatewayPlace, messages: readonly Buffer[]): Promise<number> => {
    this.#witness ??= watched(place);
    const witness = await this.#witness;
    const token = await place.operator("watched");
    const { viewer: peer, offer } = await ViewerPeer.join(place.url, token);
    await using attacker = peer;
    const [seed] = messages.filter(([way]) => way === ANSWER);
    await within(CONNECT_MS, attacker.reachable);
    const early = Math.floor(messages.length * BEFORE);
    const ports = [...attacker.ports, ...witness.viewer.ports];
    const sentBefore = await sendAll(attacker, ports, false, messages.slice(0, early));
    const isUp = await attacker.answer(offer, (sdp) => altered(sdp, seed?.subarray(1)));
    const sentAfter = await sendAll(attacker, ports, isUp, messages.slice(early));
    await delay(SETTLE_MS);
    // The thread that was sent all this still has an offer for the next.
    const { viewer: next } = await ViewerPeer.join(place.url, token);
    await next[Symbol.asyncDispose]();
    const now = performance.now();
    const { viewer: watching } = witness;
    if (watching.statsReceived > witness.seen) {
      witness.seen = watching.statsReceived;
      witness.seenAt = now;
    }
    const silence = now - witness.seenAt;
    if (!watching.isConnected) throw new Error("The other session's viewer lost its connection.");
    if (silence > MOST_SILENCE_MS) {
      throw new Error(`The other session's viewer has heard nothing for ${silence} ms.`);
    }
    return sentBefore + sentAfter;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    const witness = await this.#witness?.catch(() => undefined);
    await witness?.viewer[Symbol.asyncDispose]();
  }
}

async function watched(place: GatewayPlace) {
  await draws(place, "watched");
  await draws(place, "witness-seen");
  const { viewer: seeing, offer } = await ViewerPeer.join(
    place.url,
    await place.operator("witness-seen"),
  );
  const isUp = await seeing.answer(offer, (sdp) => sdp, WITNESS_CONNECT_MS);
  if (!isUp) {
    await seeing[Symbol.asyncDispose]();
    throw new Error("The witness has no stream.");
  }
  return { viewer: seeing, seenAt: performance.now(), seen: 0 };
}

/** A program whose worker sends a picture again and again. */
async function draws(place: GatewayPlace, session: string): Promise<void> {
  const token = await place.guest(session);
  const program = await ScriptedGuest.connect({ url: place.url, token });
  const random = new Random(1);
  const timer = setInterval(() => {
    const hex = accessUnit(random, 1).toString("hex");
    if (program.ws.readyState === program.ws.OPEN) program.tell({ do: "sendMedia", hex, times: 1 });
  }, FRAME_MS);
  timer.unref();
  program.ws.once("close", () => clearInterval(timer));
}

/** Of the answer, lines changed as the seed says; without one it is good. */
function altered(sdp: string, seed: Buffer | undefined): string {
  if (seed === undefined || seed.length < SEED_BYTES) return sdp;
  const random = new Random(seed.readUInt32LE(0));
  const change = random.pick([
    () =>
      sdp.replaceAll(/extmap:\d+/g, () => `extmap:${random.pick([0, 14, 15, 16, 255, 2 ** 31])}`),
    () => sdp.replaceAll("candidate:", `candidate:${"x".repeat(random.below(200))}`),
    () => sdp.replace(/a=fingerprint:[^\r]*/, "a=fingerprint:sha-256 "),
    () => sdp.replace(/a=setup:\w+/, `a=setup:${random.pick(["passive", "actpass", "holdconn"])}`),
    () => sdp.replace(/a=ice-ufrag:[^\r]*/, ""),
    () => sdp.replace(/a=sctp-port:\d+/, "a=sctp-port:99999999"),
    () => sdp.replaceAll(/a=rtpmap:(\d+)[^\r]*/g, "a=rtpmap:$1 none/0"),
    () => sdp.replace(/m=application[\s\S]*/, ""),
    () => shuffled(random, sdp.split("\r\n")).join("\r\n"),
    () => mutateBytes(random, Buffer.from(sdp)).toString("latin1"),
    () => mutateBytes(random, Buffer.from(sdp)).toString("latin1"),
  ]);
  return change();
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const copy = [...list];
  for (let left = 3; left > 0; left--) {
    copy.splice(random.below(copy.length), 0, ...copy.splice(random.below(copy.length), 1));
  }
  return copy;
}

/** `strangers` are the ports that a stranger tries: the attacker's own, and those of a viewer that did nothing. */
async function sendAll(
  attacker: ViewerPeer,
  strangers: readonly number[],
  isUp: boolean,
  messages: readonly Buffer[],
) {
  const stranger = createSocket("udp4");
  stranger.on("error", () => {});
  const dtls = isUp ? attacker.peer.sctpTransport?.dtlsTransport : undefined;
  let sent = 0;
  try {
    for (const each of messages) {
      const bytes = each.subarray(1);
      if (bytes.length === 0) continue;
      const way = WAYS[each[0]! % WAYS.length]!;
      if (way === "stranger" || dtls === undefined) {
        const port = strangers[sent % Math.max(1, strangers.length)];
        if (port === undefined) break;
        stranger.send(bytes, port, "127.0.0.1");
      } else if (way === "input" || way === "moves") {
        attacker.channels.get(way === "input" ? INPUT_CHANNEL : MOVES_CHANNEL)?.send(bytes);
      } else if (way === "sctp") {
        await dtls.sendData(bytes);
      } else if (way === "rtcp") {
        // The attacker's own werift can't encrypt what has no header.
        if (bytes.length < RTCP_HEADER_BYTES) continue;
        await dtls.iceTransport.connection.send(dtls.srtcp.encrypt(bytes));
      } else {
        await dtls.iceTransport.connection.send(bytes);
      }
      sent++;
      // Datagrams that come faster than they are read are dropped by the system.
      if (sent % 16 === 0) await delay(1);
    }
  } finally {
    stranger.close();
  }
  return sent;
}
