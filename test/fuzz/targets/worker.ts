import { assertNever } from "#shared/base/assert.ts";
import { DownFrame, frame } from "#shared/wire/frames.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";
import { quiet } from "../deadline.ts";
import { GatewaySubject, type GatewayPlace } from "../hosts/gateway-subject.ts";
import { mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { accessUnit, controlBytes, WELCOME, workerMessage } from "../samples.ts";
import type { Target } from "../target.ts";

const MIB = 1024 * 1024;
const QUIET_MS = 2000;

/** The socket that a message goes to, in its first byte. */
const WAYS = ["say", "control", "data", "media", "dial"] as const;
const SAY = 0;

/** Cases in which bytes are broken: the worker is killed at the first, and another started. */
const BROKEN = 0.25;
const MOST_MESSAGES = 400;

/** A GPU worker that its guest has taken over says what it likes on every socket that it has. */
export async function worker(): Promise<Target> {
  return {
    name: "worker",
    what: "a hijacked worker's control, data and media sockets",
    share: 30_000,
    maxGrowth: 32 * MIB,
    open: () => GatewaySubject.open("scripted", new HijackedWorkers().play),
    generate: (random) => {
      const isBroken = random.chance(BROKEN);
      const way = random.chance(0.5) ? SAY : random.below(WAYS.length);
      return Array.from({ length: 1 + random.below(MOST_MESSAGES) }, () => {
        const at = random.chance(0.8) ? way : random.below(WAYS.length);
        const sample = said(random, WAYS[at]!);
        const bytes = isBroken && random.chance(0.1) ? mutateBytes(random, sample) : sample;
        return Buffer.concat([Buffer.of(at), bytes]);
      });
    },
  };
}

function said(random: Random, way: (typeof WAYS)[number]): Buffer {
  switch (way) {
    case "say":
      return Buffer.from(JSON.stringify(workerMessage(random)));
    case "control":
      return controlBytes(random);
    case "data": {
      const kind = random.pick([
        DownFrame.replies,
        DownFrame.payloadBegin,
        DownFrame.payloadChunk,
        ...(random.chance(0.1) ? [DownFrame.refused, DownFrame.tick, 99] : []),
      ]);
      const payload = random.chance(0.1) ? WELCOME : random.bytes(random.below(300));
      return Buffer.from(frame(kind, payload));
    }
    case "media":
      return accessUnit(random, 1000);
    case "dial":
      return random.bytes(random.pick([0, 1, 36, 100]));
    default:
      return assertNever(way);
  }
}

/** Plays to one session's worker as long as that lives. */
class HijackedWorkers {
  #session = 0;

  readonly play = async (place: GatewayPlace, messages: readonly Buffer[]): Promise<number> => {
    await using program = await this.#connect(place);
    return say(program, messages);
  };

  /** A session whose worker was just killed lets nobody in for a while. */
  async #connect(place: GatewayPlace): Promise<ScriptedGuest> {
    const { url } = place;
    try {
      const token = await place.guest(`fuzz-${this.#session}`);
      return await ScriptedGuest.connect({ url, token });
    } catch {
      this.#session++;
      return ScriptedGuest.connect({ url, token: await place.guest(`fuzz-${this.#session}`) });
    }
  }
}

async function say(program: ScriptedGuest, messages: readonly Buffer[]): Promise<number> {
  let sent = 0;
  const media = messages.filter((message) => WAYS[message[0]! % WAYS.length] === "media");
  // A worker has one socket to its media thread.
  const stream = Buffer.concat(media.map((message) => message.subarray(1)));
  if (stream.length > 0) program.tell({ do: "sendMedia", hex: stream.toString("hex"), times: 1 });
  for (const message of messages) {
    if (program.ws.readyState !== program.ws.OPEN) break;
    const bytes = message.subarray(1);
    const hex = bytes.toString("hex");
    const way = WAYS[message[0]! % WAYS.length];
    if (way === "say") sayMessage(program, bytes);
    else if (way === "control") program.tell({ do: "sayBytes", hex });
    else if (way === "data") program.tell({ do: "sendBytes", hex });
    else if (way === "dial") program.tell({ do: "dialBytes", hex });
    sent++;
  }
  if (program.ws.readyState === program.ws.OPEN) {
    program.tell({ do: "tellBounds" });
    await quiet(QUIET_MS, [program.reply(), program.closed]);
  }
  return sent;
}

/** In the worker's own encoding, on behalf of the connection by which it is told. */
function sayMessage(program: ScriptedGuest, json: Buffer): void {
  try {
    const message: unknown = JSON.parse(json.toString());
    if (typeof message === "object" && message !== null) program.tell({ do: "say", message });
  } catch {
    // It was mutated: what is no JSON goes by the way "control".
  }
}
