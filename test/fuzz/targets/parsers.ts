import { readFile } from "node:fs/promises";
import { assertNever } from "#shared/base/assert.ts";
import { recordingVectors } from "#test/support/recordings.ts";
import { PlayedProcess } from "../hosts/played-process.ts";
import { mutateBytes } from "../mutate.ts";
import { type Parser, PARSERS } from "../parsers.ts";
import type { Random } from "../random.ts";
import {
  accessUnit,
  ANSWER,
  controlBytes,
  FRAMES,
  HELLO,
  INPUTS,
  LINK_TEXTS,
  RESUME,
  rtcpPackets,
  SCTP_PACKETS,
  WELCOME,
} from "../samples.ts";
import type { Target } from "../target.ts";
import { WireGenerator } from "../wire/generate.ts";

const MIB = 1024 * 1024;
const MESSAGES_A_CASE = 250;
const RTCP = rtcpPackets(0x01020304);

/** Every parser that reads what a stranger sent, each message by itself. */
export async function parsers(): Promise<Target> {
  const generator = await WireGenerator.load();
  const recordings = await recordingHeads();
  return {
    name: "parsers",
    what: "mutated bytes, to each parser of what a stranger sends",
    share: 300_000,
    maxGrowth: 32 * MIB,
    open: () => PlayedProcess.open("./parsers.ts"),
    generate: (random) => {
      const commands = generator.generate(random);
      return Array.from({ length: MESSAGES_A_CASE }, () => {
        const index = random.below(PARSERS.length);
        const parser = PARSERS[index]!;
        const bytes =
          parser === "recording" ? random.pick(recordings) : sample(parser, random, commands);
        const sent = random.chance(0.1)
          ? random.bytes(random.below(400))
          : mutateBytes(random, bytes);
        return Buffer.concat([Buffer.of(index), sent]);
      });
    },
  };
}

/** Of a recording, which is long: the header and records of each kind that a program's beginning has. */
const RECORDING_BYTES = 8 * 1024;

async function recordingHeads(): Promise<readonly Buffer[]> {
  const files = (await recordingVectors()).map(({ path }) => readFile(path));
  return (await Promise.all(files)).map((bytes) => bytes.subarray(0, RECORDING_BYTES));
}

/** `commands` are a guest's messages. */
function sample(
  parser: Exclude<Parser, "recording">,
  random: Random,
  commands: readonly Buffer[],
): Buffer {
  switch (parser) {
    case "commands":
      return random.pick(commands).subarray(1);
    case "reply":
      return random.bytes(random.below(200));
    case "hello":
      return HELLO;
    case "welcome":
      return WELCOME;
    case "frames":
      return FRAMES;
    case "input":
      return random.pick(INPUTS);
    case "link":
      return Buffer.from([random.pick(LINK_TEXTS), random.pick(LINK_TEXTS)].join("\n"));
    case "resume":
      return Buffer.from(RESUME);
    case "control":
      return controlBytes(random);
    case "access-units":
      return accessUnit(random, 1000);
    case "rtcp":
      return random.pick(RTCP);
    case "sctp":
      return random.pick(SCTP_PACKETS);
    case "answer":
      return Buffer.from(ANSWER);
    default:
      return assertNever(parser);
  }
}
