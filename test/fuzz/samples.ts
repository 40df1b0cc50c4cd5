import { ACCESS_UNIT_HEADER_BYTES } from "#server/media/messages.ts";
import { encodeControl } from "#server/worker/control-frames.ts";
import { encodeInput } from "#shared/input/codec.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { frame, UpFrame } from "#shared/wire/frames.ts";
import { writeHello, writeWelcome } from "#shared/wire/handshake.ts";
import { Writer } from "#shared/wire/writer.ts";
import type { Random } from "./random.ts";

// What an honest peer says at each door, for mutations to begin from.

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer();
  write(writer);
  return Buffer.from(writer.take());
}

export const HELLO = written((writer) => writeHello(writer, "fuzzer"));

export const WELCOME = written((writer) =>
  writeWelcome(writer, {
    wgslLanguageFeatures: ["packed_4x8_integer_dot_product"],
    preferredCanvasFormat: "bgra8unorm",
    connection: 1,
  }),
);

export const FRAMES = Buffer.concat([
  frame(UpFrame.hello, HELLO),
  frame(UpFrame.commands, Buffer.of(98, 1, 99, 1)),
]);

const pointer = {
  x: 0.5,
  y: 0.5,
  button: 0,
  buttons: 1,
  modifiers: 0,
  pointerId: 1,
  pointerType: "mouse",
} as const;

const EVENTS: readonly InputEvent[] = [
  { type: "pointermove", ...pointer },
  { type: "pointerdown", ...pointer },
  { type: "wheel", x: 0, y: 1, deltaX: 0, deltaY: 120, modifiers: 0 },
  { type: "keydown", code: "KeyA", key: "ä", repeat: false, modifiers: 2 },
  { type: "blur" },
  { type: "resize", width: 640, height: 360, devicePixelRatio: 1 },
];

export const INPUTS: readonly Buffer[] = EVENTS.map((event) => Buffer.from(encodeInput(event)));

export const LINK_TEXTS: readonly string[] = [
  `link ${"A".repeat(43)} 30000`,
  "ack 3",
  "ack 0",
  "resume 0",
  "resume 3",
  "ack 9007199254740991",
];

export const RESUME = `${"A".repeat(43)} 1 0`;

/** What ends a worker at once must not end most conversations. */
const RARE = 0.002;
const TICKS = [0, 1, 1, 2, 3, 0xffff_ffff] as const;

const count = (random: Random): number =>
  random.pick([0, 1, 1, 1, 2, 3, 64, 0xffff, 0xffff_ffff, -1, 1.5]);

/**
 * One of the messages that a worker has for its gateway, with numbers that may be nobody's. One that names no
 * connection is meant for the one that it comes by.
 */
export function workerMessage(random: Random): object {
  const connection = random.chance(0.01) ? { connection: count(random) } : {};
  const lease = random.chance(0.99) ? random.pick([1, 1, 2, 3]) : count(random);
  const small = random.below(500);
  if (random.chance(RARE)) {
    return { type: "ready", adapter: "a", isSoftware: true, encoder: "e" };
  }
  switch (random.below(11)) {
    case 0:
      return { type: "animation", ...connection, running: random.chance(0.5) };
    case 1:
      return { type: "frameReceived", ...connection, tick: random.pick(TICKS) };
    case 2:
      return { type: "frameFinished", ...connection, tick: random.pick(TICKS) };
    case 3: {
      const size = { width: 1 + small, height: 1 + random.below(500) };
      return {
        type: "surface",
        ...connection,
        surface: 1 + random.below(3),
        ...(random.chance(0.7) ? { size } : {}),
      };
    }
    case 4:
      return { type: "gpuWanted" };
    case 5:
      return { type: "gpuBusy", lease };
    case 6:
      return { type: "gpuProgress", lease };
    case 7:
      return { type: "gpuIdle", lease };
    case 8:
      return { type: "gpuReturned", lease };
    case 9:
      return { type: "memory", gpuBytes: small, hostBytes: small, objects: small };
    default:
      return {
        type: "stats",
        stages: { [random.pick(["replay", "frames", "__proto__", "polls"])]: small - 250 },
        legs: { encode: [small, 0.5] },
      };
  }
}

export function controlBytes(random: Random): Buffer {
  return encodeControl({ connection: 1, ...workerMessage(random) });
}

const SPS = Buffer.from("000000016742c01f", "hex");
const PPS = Buffer.from("0000000168ce3c80", "hex");

/** A key frame or another, that says what it is. `capturedAt` is in microseconds. */
export function accessUnit(random: Random, capturedAt: number): Buffer {
  const isKeyFrame = random.chance(0.5);
  const slice = Buffer.concat([
    Buffer.from(isKeyFrame ? "0000000165" : "0000000141", "hex"),
    random.bytes(random.pick([1, 20, 1300, 4000])).map((byte) => byte | 1),
  ]);
  const payload = isKeyFrame ? Buffer.concat([SPS, PPS, slice]) : slice;
  const header = Buffer.alloc(ACCESS_UNIT_HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header[4] = isKeyFrame ? 1 : 0;
  header.writeUInt16LE(320, 5);
  header.writeUInt16LE(180, 7);
  header.writeDoubleLE(capturedAt, 9);
  return Buffer.concat([header, payload]);
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** RTCP after decryption: reports, a NACK, a PLI, a FIR and transport-wide feedback. `ssrc` is the stream's. */
export function rtcpPackets(ssrc: number): readonly Buffer[] {
  const id = ssrc.toString(16).padStart(8, "0");
  return [
    hex(`81c90007 00000001 ${id} 00000000 00000100 00000000 00000000 00000000`),
    hex(`81cd0003 00000001 ${id} 0001ffff`),
    hex(`81ce0002 00000001 ${id}`),
    hex(`84ce0004 00000001 00000000 ${id} 01000000`),
    hex(`8fcd0005 00000001 ${id} 00010004 00000100 20040404 04040000`),
    hex(`8fcd0005 00000001 ${id} 0001ffff 7fffff00 bfffd555 00000000`),
  ];
}

/** SCTP packets (RFC 9260) without right checksums: data, init, sack, heartbeat, reset, forward-tsn. */
export const SCTP_PACKETS: readonly Buffer[] = [
  hex("13881388 00000000 00000000 00030014 00000001 00010000 00000033 61626364"),
  hex("13881388 00000000 00000000 01000014 00000001 00020000 ffffffff 00000001"),
  hex("13881388 00000000 00000000 03000014 00000001 00020000 00010000 00020003"),
  hex("13881388 00000000 00000000 0400000c 00010008 01020304"),
  hex("13881388 00000000 00000000 82000014 000d0010 00000001 00000001 00000001"),
  hex("13881388 00000000 00000000 c0000010 00000002 00000001 00010001"),
  hex("13881388 00000000 00000000 06000008 000c0004"),
];

export const ANSWER = [
  "v=0",
  "o=- 1 1 IN IP4 0.0.0.0",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0 1",
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
  "c=IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789012345678901",
  `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => "AB").join(":")}`,
  "a=setup:active",
  "a=mid:0",
  "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  "a=recvonly",
  "a=rtcp-mux",
  "a=rtpmap:96 H264/90000",
  "a=rtcp-fb:96 nack",
  "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
  "a=candidate:1 1 udp 2113937151 127.0.0.1 9 typ host",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "c=IN IP4 0.0.0.0",
  "a=mid:1",
  "a=sctp-port:5000",
  "",
].join("\r\n");
