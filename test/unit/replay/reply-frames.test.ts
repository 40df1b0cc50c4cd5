import { expect, test } from "vitest";
import { ReplyFrames } from "#server/replay/reply-frames.ts";
import { Ledger } from "#server/replay/memory-ledger.ts";
import { StagedPayload } from "#server/replay/staged-payload.ts";
import { DownFrame, FrameReader } from "#shared/wire/frames.ts";
import {
  MAX_INLINE_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PAYLOAD_BYTES,
  PAYLOAD_CHUNK_BYTES,
} from "#shared/wire/limits.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply, type Reply } from "#shared/wire/replies.ts";

/** What a program reads: the kinds and lengths of frames, and the replies in them. */
class Program {
  readonly frames: { kind: number; length: number }[] = [];
  readonly replies: Reply[] = [];
  readonly #reader = new FrameReader();
  readonly #payload = new StagedPayload(new Ledger(MAX_PAYLOAD_BYTES));

  receive(bytes: Uint8Array): void {
    for (const { kind, payload } of this.#reader.push(bytes)) {
      this.frames.push({ kind, length: payload.length });
      if (kind === DownFrame.payloadBegin) {
        this.#payload.begin(new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true));
      } else if (kind === DownFrame.payloadChunk) {
        this.#payload.chunk(payload);
      } else {
        this.#read(payload);
      }
    }
  }

  #read(payload: Uint8Array): void {
    const reader = new Reader(payload);
    const source = { takePayload: (length: number) => this.#payload.take(length) };
    while (reader.remaining > 0) this.replies.push(readReply(reader, source));
  }
}

function mapped(request: number, length: number): Reply {
  return { kind: "mapped", request, data: Uint8Array.from({ length }, (_, at) => at * request) };
}

test("small replies leave together, at the flush", () => {
  const program = new Program();
  const frames = new ReplyFrames((bytes) => program.receive(bytes));
  for (const request of [1, 2, 3]) frames.write({ kind: "resolved", request });
  expect(program.frames).toEqual([]);
  frames.flush();
  frames.flush();
  expect(program.frames).toHaveLength(1);
  expect(program.replies.map((reply) => "request" in reply && reply.request)).toEqual([1, 2, 3]);
});

test.for([
  { length: 0, chunks: 0 },
  { length: MAX_INLINE_BYTES, chunks: 0 },
  { length: MAX_INLINE_BYTES + 1, chunks: 1 },
  { length: PAYLOAD_CHUNK_BYTES, chunks: 1 },
  { length: PAYLOAD_CHUNK_BYTES + 1, chunks: 2 },
])("$length bytes of data travel in $chunks chunks", ({ length, chunks }) => {
  const program = new Program();
  const frames = new ReplyFrames((bytes) => program.receive(bytes));
  frames.write({ kind: "resolved", request: 1 });
  const sent = [mapped(2, length), mapped(3, length)];
  for (const reply of sent) frames.write(reply);
  frames.flush();
  expect(program.replies).toEqual([{ kind: "resolved", request: 1 }, ...sent]);
  const lengths = program.frames.filter(({ kind }) => kind === DownFrame.payloadChunk);
  expect(lengths).toHaveLength(chunks * 2);
  expect(Math.max(0, ...lengths.map((each) => each.length))).toBeLessThanOrEqual(
    PAYLOAD_CHUNK_BYTES,
  );
});

test("any number of the longest messages fits in frames", () => {
  const program = new Program();
  const frames = new ReplyFrames((bytes) => program.receive(bytes));
  const message = "x".repeat(MAX_MESSAGE_BYTES);
  for (let request = 1; request <= 300; request++) {
    frames.write({ kind: "rejected", request, name: "OperationError", message });
  }
  frames.flush();
  expect(program.replies).toHaveLength(300);
});
