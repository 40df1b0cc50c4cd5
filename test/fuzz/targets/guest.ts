import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { UpFrame, frame, FRAME_HEADER_BYTES } from "#shared/wire/frames.ts";
import { GUEST_SUBPROTOCOL, RESUMABLE_SUBPROTOCOL } from "#shared/link/guest-link.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { quiet } from "../deadline.ts";
import { GatewaySubject, type GatewayPlace } from "../hosts/gateway-subject.ts";
import { mutateBytes, mutateList } from "../mutate.ts";
import type { Random } from "../random.ts";
import { FRAMES, HELLO, LINK_TEXTS } from "../samples.ts";
import type { Target } from "../target.ts";
import { webSocketFrame } from "../web-socket.ts";
import { WireGenerator } from "../wire/generate.ts";
import { RecordedStreams } from "../wire/recorded.ts";

const MIB = 1024 * 1024;

/** An answer after which the other side has heard all: a ping's pong, or the end. */
const QUIET_MS = 3000;

const PROTOCOLS = [GUEST_SUBPROTOCOL, RESUMABLE_SUBPROTOCOL] as const;

/** A guest that means harm, with a good token: its commands, through the gateway to a real worker. */
export async function guest(): Promise<Target> {
  const generator = await WireGenerator.load();
  const recorded = await RecordedStreams.load();
  return {
    name: "guest",
    what: "a guest's commands, through a gateway to a real worker",
    share: 60_000,
    maxGrowth: 24 * MIB,
    open: () => {
      const sessions = new Sessions();
      return GatewaySubject.open("real", (place, list) => playFrames(place, list, sessions));
    },
    generate: (random) => {
      const way = Buffer.of(random.below(4));
      return [way, ...recorded.orElse(random, generator.generate(random))];
    },
  };
}

/** The same where commands take their time, and a submit may pass its deadline. */
export async function guestSoftware(): Promise<Target> {
  const generator = await WireGenerator.load();
  const recorded = await RecordedStreams.load();
  return {
    name: "guest-software",
    what: "a guest's commands, through a gateway to a real worker on the software GPU",
    share: 10_000,
    maxGrowth: 24 * MIB,
    open: () => {
      const sessions = new Sessions();
      return GatewaySubject.open("software", (place, list) => playFrames(place, list, sessions));
    },
    generate: (random) => {
      const way = Buffer.of(random.below(4));
      return [way, ...recorded.orElse(random, generator.generate(random))];
    },
  };
}

/** Of the first message: the program ends in order, and its worker runs what has arrived. Without it the link breaks. */
const IN_ORDER = 2;

/** The first message is the subprotocol's number, and how it ends; the others are up frames. */
async function playFrames(
  place: GatewayPlace,
  [which, ...frames]: readonly Buffer[],
  sessions: Sessions,
) {
  const subprotocol = PROTOCOLS[(which?.[0] ?? 0) % PROTOCOLS.length]!;
  await using program = await sessions.enter(place, subprotocol);
  program.send(UpFrame.hello, HELLO);
  let sent = 0;
  for (const message of frames) {
    if (program.ws.readyState !== program.ws.OPEN) break;
    program.ws.send(frame(message[0] ?? 0, message.subarray(1)));
    sent++;
  }
  if (program.ws.readyState === program.ws.OPEN) {
    program.ws.ping();
    await quiet(QUIET_MS, [once(program.ws, "pong"), program.closed]);
  }
  if (((which?.[0] ?? 0) & IN_ORDER) !== 0) {
    program.ws.close(1000);
    await quiet(QUIET_MS, [program.closed]);
  }
  return sent;
}

/** A session's worker that ends keeps it shut, each time longer: others follow. */
const CASES_A_SESSION = 20;

class Sessions {
  #cases = 0;

  async enter(place: GatewayPlace, subprotocol: string): Promise<ScriptedGuest> {
    this.#cases++;
    try {
      return await this.#enter(place, subprotocol);
    } catch {
      this.#cases += CASES_A_SESSION;
      return this.#enter(place, subprotocol);
    }
  }

  async #enter(place: GatewayPlace, subprotocol: string): Promise<ScriptedGuest> {
    const token = await place.guest(`fuzz-${Math.floor(this.#cases / CASES_A_SESSION)}`);
    return ScriptedGuest.open({ url: place.url, token, subprotocol });
  }
}

/** Bytes on the guest's socket after a good upgrade: WebSocket frames, most of them broken. */
export async function guestBytes(): Promise<Target> {
  return {
    name: "guest-bytes",
    what: "bytes on a guest's WebSocket, plain and resumable",
    share: 20_000,
    maxGrowth: 24 * MIB,
    open: () => GatewaySubject.open("real", playBytes),
    generate: (random) => {
      const count = 1 + random.below(30);
      const messages = Array.from({ length: count }, () => guestFrame(random));
      const sent = random.chance(0.5) ? mutateList(random, messages) : messages;
      return [Buffer.of(random.below(2)), ...sent];
    },
  };
}

const TEXT = 1;
const BINARY = 2;

function guestFrame(random: Random): Buffer {
  const opcode = random.pick([BINARY, BINARY, BINARY, TEXT, TEXT, 0, 8, 9, 10, 3]);
  const link = Buffer.from(random.pick(LINK_TEXTS));
  const cut = random.below(FRAMES.length);
  const payload = random.pick([
    opcode === TEXT ? link : FRAMES,
    FRAMES.subarray(0, cut),
    FRAMES.subarray(cut),
    random.bytes(random.below(200)),
    frame(random.below(40), random.bytes(random.below(20))).subarray(0, FRAME_HEADER_BYTES + 9),
    link,
  ]);
  const isMutated = random.chance(0.3);
  return webSocketFrame(opcode, isMutated ? mutateBytes(random, Buffer.from(payload)) : payload, {
    mask: random.chance(0.97) ? random.bytes(4) : undefined,
    isFinal: random.chance(0.9),
  });
}

async function playBytes(place: GatewayPlace, [which, ...chunks]: readonly Buffer[]) {
  const token = await place.guest("fuzz");
  const socket = await upgraded(place.url, token, PROTOCOLS[(which?.[0] ?? 0) % PROTOCOLS.length]!);
  let sent = 0;
  for (const chunk of chunks) {
    if (!socket.writable) break;
    socket.write(chunk);
    sent++;
  }
  // What a broken stream is answered with is its end; of an unbroken one we are the end.
  socket.write(webSocketFrame(9, Buffer.alloc(0), { mask: Buffer.alloc(4), isFinal: true }));
  await quiet(QUIET_MS / 10, [once(socket, "close"), once(socket, "data")]);
  socket.destroy();
  return sent;
}

async function upgraded(url: string, token: string, subprotocol: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => socket.destroy());
  socket.write(
    [
      "GET /guest HTTP/1.1",
      "Host: gateway",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      `Sec-WebSocket-Protocol: ${subprotocol}`,
      `Authorization: Bearer ${token}`,
      "",
      "",
    ].join("\r\n"),
  );
  await quiet(QUIET_MS, [once(socket, "data"), once(socket, "close")]);
  socket.resume();
  return socket;
}
