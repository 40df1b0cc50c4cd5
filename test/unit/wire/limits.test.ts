import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "#shared/wire/errors.ts";
import {
  MAX_CLIENT_NAME_BYTES,
  MAX_COMPILATION_MESSAGES,
  MAX_FRAME_BYTES,
  MAX_INLINE_BYTES,
  MAX_LABEL_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_RECORD_COUNT,
  MAX_SEQUENCE_COUNT,
  MAX_STRING_BYTES,
} from "#shared/wire/limits.ts";
import { FrameReader, UpFrame, frame } from "#shared/wire/frames.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply, writeReply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";
import * as limits from "#shared/wire/limits.ts";
import { ROOT } from "./codec.ts";

const noPayload = {
  takePayload(length: number): Uint8Array {
    throw new ProtocolError(`No payload of ${length} bytes is staged.`);
  },
};

/** A count or length, and that many bytes. */
function counted(count: number, header = count): Reader {
  const writer = new Writer(16 + count);
  writer.reserve(16 + count);
  writer.u64(header);
  writer.raw(new Uint8Array(count).fill(0x41));
  return new Reader(writer.view());
}

/** The length of inline data, as read. */
function inlineData(length: number): number {
  return counted(length, length * 2).bytes(noPayload).length;
}

/** A frame with a payload of this length. */
function commands(length: number): Uint8Array {
  return frame(UpFrame.commands, new Uint8Array(length));
}

describe("the reader takes a value at its limit and refuses one over it", () => {
  test.for([
    { what: "string", limit: MAX_STRING_BYTES, read: (r: Reader) => r.string().length },
    { what: "label", limit: MAX_LABEL_BYTES, read: (r: Reader) => r.label().length },
    {
      what: "client name",
      limit: MAX_CLIENT_NAME_BYTES,
      read: (r: Reader) => r.shortString(MAX_CLIENT_NAME_BYTES, "client name").length,
    },
    {
      what: "message",
      limit: MAX_MESSAGE_BYTES,
      read: (r: Reader) => r.shortString(MAX_MESSAGE_BYTES, "message").length,
    },
    { what: "sequence", limit: MAX_SEQUENCE_COUNT, read: (r: Reader) => r.sequenceCount() },
    { what: "record", limit: MAX_RECORD_COUNT, read: (r: Reader) => r.recordCount() },
    {
      what: "list of dynamic offsets",
      limit: MAX_SEQUENCE_COUNT,
      read: (r: Reader) => r.offsets(),
    },
  ])("a $what of $limit", ({ what, limit, read }) => {
    expect(read(counted(limit))).toBe(limit);
    expect(() => read(counted(limit + 1))).toThrow(
      new ProtocolError(`The ${what} (${limit + 1}) is over the limit (${limit}).`),
    );
  });

  test("inline data", () => {
    expect(inlineData(MAX_INLINE_BYTES)).toBe(MAX_INLINE_BYTES);
    expect(() => inlineData(MAX_INLINE_BYTES + 1)).toThrow(
      `The inline data (${MAX_INLINE_BYTES + 1}) is over the limit (${MAX_INLINE_BYTES}).`,
    );
  });

  test("a staged payload, of which nothing is taken when it is over", () => {
    const taken: number[] = [];
    const source = {
      takePayload(length: number): Uint8Array {
        taken.push(length);
        return new Uint8Array(1);
      },
    };
    counted(0, MAX_PAYLOAD_BYTES * 2 + 1).bytes(source);
    expect(() => counted(0, (MAX_PAYLOAD_BYTES + 1) * 2 + 1).bytes(source)).toThrow(ProtocolError);
    expect(taken).toEqual([MAX_PAYLOAD_BYTES]);
  });

  test("a frame's payload", () => {
    expect([...new FrameReader().push(commands(MAX_FRAME_BYTES))]).toHaveLength(1);
    // The header alone is enough to refuse it.
    const over = commands(MAX_FRAME_BYTES + 1).subarray(0, 5);
    expect(() => [...new FrameReader().push(over)]).toThrow(ProtocolError);
  });
});

describe("a count is checked against the bytes that remain, before memory is taken", () => {
  test.for([
    ["a string", (r: Reader) => r.string()],
    ["a sequence", (r: Reader) => r.sequenceCount()],
    ["a record", (r: Reader) => r.recordCount()],
    ["dynamic offsets", (r: Reader) => r.offsets()],
    ["inline data", (r: Reader) => r.bytes(noPayload)],
  ] as const)("%s", ([, read]) => {
    read(counted(16));
    expect(() => read(counted(6, 1000))).toThrow(ProtocolError);
  });
});

describe("the writer refuses what the reader would", () => {
  test.for([
    {
      what: "a string",
      limit: MAX_STRING_BYTES,
      write: (w: Writer, n: number) => w.string("a".repeat(n)),
    },
    {
      what: "a sequence",
      limit: MAX_SEQUENCE_COUNT,
      write: (w: Writer, n: number) => w.sequenceCount(n),
    },
    {
      what: "a record",
      limit: MAX_RECORD_COUNT,
      write: (w: Writer, n: number) => w.recordCount(n),
    },
    {
      what: "dynamic offsets",
      limit: MAX_SEQUENCE_COUNT,
      write: (w: Writer, n: number) => w.offsets(new Uint32Array(n), 0, n),
    },
    {
      what: "inline data",
      limit: MAX_INLINE_BYTES,
      write: (w: Writer, n: number) => w.bytes(new Uint8Array(n)),
    },
  ])("$what over $limit", ({ limit, write }) => {
    write(new Writer(), limit);
    const writer = new Writer();
    writer.string("before");
    const mark = writer.mark();
    expect(() => write(writer, limit + 1)).toThrow(RangeError);
    writer.rewind(mark);
    expect(new Reader(writer.view()).string()).toBe("before");
  });
});

describe("text for people is cut, not refused", () => {
  test.for([
    { text: "a".repeat(MAX_LABEL_BYTES), kept: MAX_LABEL_BYTES },
    { text: "a".repeat(MAX_LABEL_BYTES + 1), kept: MAX_LABEL_BYTES },
    // Three bytes each: a whole character goes.
    { text: "€".repeat(MAX_LABEL_BYTES), kept: 341 },
  ])("a label keeps $kept characters", ({ text, kept }) => {
    const writer = new Writer();
    writer.label(text);
    expect(new Reader(writer.view()).label()).toBe(text.slice(0, kept));
  });

  test("a compilation info keeps the first messages", () => {
    const message = {
      type: "warning",
      message: "w".repeat(MAX_MESSAGE_BYTES + 1),
      lineNum: 1,
      linePos: 2,
      offset: 3,
      length: 4,
    } as const;
    const messages = Array.from({ length: MAX_COMPILATION_MESSAGES + 1 }, () => message);
    const writer = new Writer();
    writeReply(writer, { kind: "compilationInfo", request: 1, messages });
    // The longest reply fits in a frame.
    expect(writer.length).toBeLessThan(MAX_FRAME_BYTES);
    const reply = readReply(new Reader(writer.view()), noPayload);
    expect(reply).toEqual({
      kind: "compilationInfo",
      request: 1,
      messages: messages
        .slice(1)
        .map((each) => ({ ...each, message: "w".repeat(MAX_MESSAGE_BYTES) })),
    });
  });
});

test("the document's table has every limit with its value", async () => {
  const units: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
  const document = await readFile(path.join(ROOT, "shared/wire/PROTOCOL.md"), "utf8");
  const rows = [...document.matchAll(/^\| `([A-Z_]+)` +\| ([\d,]+)(?: (\w+))? /gm)];
  const listed = rows.map(([, name, value, unit]) => [
    name,
    Number(value!.replaceAll(",", "")) * (units[unit ?? ""] ?? 1),
  ]);
  expect(Object.fromEntries(listed)).toEqual({ ...limits });
});
