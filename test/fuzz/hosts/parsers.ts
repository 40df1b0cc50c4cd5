import { Readable } from "node:stream";
import { AccessUnitReader } from "#server/media/access-unit-reader.ts";
import {
  isUsableCandidate,
  readAnswer,
  withoutHiddenCandidates,
} from "#server/media/negotiated.ts";
import { readRtcp } from "#server/media/rtcp.ts";
import { sctpProblem } from "#server/media/sctp-packet.ts";
import { RecordingError, RecordingReader } from "#server/recording/recording-reader.ts";
import { WorkerMessages } from "#server/session/control-channel.ts";
import { decodeInput } from "#shared/input/codec.ts";
import { parseControl, parseResume } from "#shared/link/control.ts";
import { ReceiveWindow } from "#shared/link/receive-window.ts";
import { SendBuffer } from "#shared/link/send-buffer.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { FrameReader } from "#shared/wire/frames.ts";
import { readHello, readWelcome } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply } from "#shared/wire/replies.ts";
import { decodeBatch, openResolver } from "#test/unit/wire/codec.ts";
import { PARSERS, type Parser } from "../parsers.ts";
import { answer } from "./answer.ts";

// Plays each message to the parser that its first byte names. Messages are strangers to one another.

/** One message is far smaller than what takes so long in any honest way. */
const MOST_MS = 2000;

const noPayload = {
  takePayload(length: number): Uint8Array {
    throw new ProtocolError(`No payload of ${length} bytes is staged.`);
  },
};

const PARSE: Readonly<Record<Parser, (bytes: Buffer) => unknown>> = {
  commands: (bytes) => decodeBatch(bytes, openResolver()),
  reply: (bytes) => readReply(new Reader(bytes), noPayload),
  hello: (bytes) => readHello(new Reader(bytes)),
  welcome: (bytes) => readWelcome(new Reader(bytes)),
  frames: (bytes) => inTwo(bytes, new FrameReader()),
  input: (bytes) => decodeInput(bytes),
  link: (bytes) => playLink(bytes.toString("latin1")),
  resume: (bytes) => parseResume(bytes.toString("latin1")),
  control: (bytes) => inTwo(bytes, new WorkerMessages()),
  "access-units": (bytes) => inTwo(bytes, new AccessUnitReader(() => 1_000_000_000)),
  rtcp: (bytes) => readRtcp(bytes),
  sctp: (bytes) => sctpProblem(bytes),
  answer: (bytes) => {
    const sdp = bytes.toString();
    isUsableCandidate(sdp);
    return [readAnswer(sdp), withoutHiddenCandidates(sdp)];
  },
  recording: (bytes) => readRecording(bytes),
};

/** What each may throw where its input is not as it should be: the caller ends its peer then. */
const PLAIN_ERRORS: ReadonlySet<Parser> = new Set(["control", "answer"]);

answer({}, async (messages) => {
  let taken = 0;
  for (const message of messages) {
    taken++;
    const parser = PARSERS[message[0] ?? 0];
    if (parser === undefined) continue;
    const fault = await faultOf(parser, message.subarray(1));
    if (fault !== undefined) return { taken, fault };
  }
  return { taken };
});

async function faultOf(parser: Parser, bytes: Buffer): Promise<string | undefined> {
  const start = performance.now();
  try {
    await PARSE[parser](bytes);
  } catch (error) {
    const isExpected =
      error instanceof ProtocolError ||
      error instanceof RecordingError ||
      (PLAIN_ERRORS.has(parser) && error instanceof Error && !(error instanceof TypeError));
    if (!isExpected) {
      return `As ${parser}: ${error instanceof Error ? (error.stack ?? "") : String(error)}`;
    }
  }
  const took = performance.now() - start;
  return took > MOST_MS ? `As ${parser} ${bytes.length} bytes take ${took} ms.` : undefined;
}

/** As a file comes, in parts, to its end. */
async function readRecording(bytes: Buffer): Promise<void> {
  const middle = (bytes.at(-1) ?? 0) % (bytes.length + 1);
  const file = Readable.from([bytes.subarray(0, middle), bytes.subarray(middle)]);
  const recording = await RecordingReader.open(file);
  const entries = recording.entries();
  while ((await entries.next()).done !== true);
}

function inTwo(bytes: Buffer, reader: { push(chunk: Uint8Array): Iterable<unknown> }): unknown[] {
  const middle = (bytes[0] ?? 0) % (bytes.length + 1);
  return [...reader.push(bytes.subarray(0, middle)), ...reader.push(bytes.subarray(middle))];
}

/** Lines of text, with what a relay and a gateway do for each. */
function playLink(text: string): void {
  const sent = new SendBuffer();
  const received = new ReceiveWindow(100_000);
  for (const line of text.split("\n")) {
    sent.push(Buffer.alloc(1 + (line.length % 7)));
    sent.next(3);
    const message = parseControl(line);
    if (message.type === "ack") sent.acknowledge(message.count);
    if (message.type === "resume") sent.rewind(message.count);
    received.receive(line.length);
    received.passOn(line.length);
  }
}
