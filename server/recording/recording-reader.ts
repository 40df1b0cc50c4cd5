import type { z } from "zod";
import {
  MappedHash,
  MAX_HEADER_BYTES,
  MAX_JSON_RECORD_BYTES,
  MAX_RECORD_BYTES,
  PictureHash,
  PREAMBLE_BYTES,
  RECORD_HEADER_BYTES,
  RECORDING_MAGIC,
  RECORDING_MAJOR,
  RecordingEnd,
  RecordingHeader,
  RecordKind,
} from "./format.ts";

/** The file is no recording, or one that can't be read from here on; the message is a sentence with the offset. */
export class RecordingError extends Error {
  override name = "RecordingError" as const;
}

/** What a recording says after its header, in its order. */
export type RecordingEntry = {
  /** Where in the file it begins. */
  readonly offset: number;
  /** Microseconds since the recording began. */
  readonly time: number;
} & (
  | { readonly kind: "up"; readonly bytes: Buffer }
  | { readonly kind: "picture"; readonly hash: PictureHash }
  | { readonly kind: "mapped"; readonly hash: MappedHash }
  | { readonly kind: "end"; readonly end: RecordingEnd }
);

/** How a file ends. */
export type RecordingRest = {
  /** Its writer was cut off: there is no last record, and perhaps a part of one. */
  readonly isCutOff: boolean;
  /** Bytes that were read as whole records. */
  readonly offset: number;
};

/**
 * Reads a recording from chunks of any size. The file is a stranger's: nothing is held but one unfinished record.
 */
export class RecordingReader {
  readonly header: RecordingHeader;
  readonly #held: HeldBytes;
  readonly #chunks: AsyncIterator<Uint8Array>;

  private constructor(header: RecordingHeader, held: HeldBytes, chunks: AsyncIterator<Uint8Array>) {
    this.header = header;
    this.#held = held;
    this.#chunks = chunks;
  }

  /** Reads the header. Throws RecordingError. */
  static async open(chunks: AsyncIterable<Uint8Array>): Promise<RecordingReader> {
    const held = new HeldBytes();
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      const header = takeHeader(held);
      if (header !== undefined) return new RecordingReader(header, held, iterator);
      const next = await iterator.next();
      if (next.done !== true) held.add(next.value);
      else if (held.length === 0) {
        throw new RecordingError("The file is empty: it is no recording.");
      } else {
        throw new RecordingError(
          `The file ends within its header, at byte ${held.length}: nothing of the recording is left.`,
        );
      }
    }
  }

  /**
   * All entries, once. Throws RecordingError; returns how the file ends. A tail that is missing is no error: all before it
   * was told.
   */
  async *entries(): AsyncGenerator<RecordingEntry, RecordingRest, undefined> {
    const held = this.#held;
    for (;;) {
      const record = takeRecord(held);
      if (record !== undefined) {
        const entry = entryOf(record);
        if (entry !== undefined) yield entry; // Else it is of a later minor version.
        // What a careless tool appended is not looked at.
        if (entry?.kind === "end") return { isCutOff: false, offset: held.offset };
        continue;
      }
      const next = await this.#chunks.next();
      if (next.done === true) return { isCutOff: true, offset: held.offset };
      held.add(next.value);
    }
  }
}

type Record = {
  readonly offset: number;
  readonly kind: number;
  readonly time: number;
  readonly payload: Buffer;
};

/** The bytes that were not taken yet, and where in the file they stand. */
class HeldBytes {
  offset = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #chunks: Uint8Array[] = [];
  length = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.length += chunk.length;
  }

  /** The next bytes, which stay; undefined where there are not so many. */
  peek(length: number): Buffer | undefined {
    if (this.length < length) return undefined;
    if (this.#bytes.length < length) {
      this.#bytes = Buffer.concat([this.#bytes, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#bytes.subarray(0, length);
  }

  skip(length: number): void {
    this.#bytes = this.#bytes.subarray(length);
    this.length -= length;
    this.offset += length;
  }
}

function takeHeader(held: HeldBytes): RecordingHeader | undefined {
  const magic = held.peek(Math.min(RECORDING_MAGIC.length, held.length));
  if (magic !== undefined && RECORDING_MAGIC.compare(magic, 0, magic.length, 0, magic.length) !== 0)
    throw new RecordingError("The file does not begin as a recording does: it is none.");
  const preamble = held.peek(PREAMBLE_BYTES);
  if (preamble === undefined) return undefined;
  const at = RECORDING_MAGIC.length;
  const major = preamble.readUInt16LE(at);
  if (major !== RECORDING_MAJOR) {
    throw new RecordingError(
      `The recording is of version ${major}.${preamble.readUInt16LE(at + 2)} of the format, and this reads ${RECORDING_MAJOR}: use the release that recorded it.`,
    );
  }
  const length = preamble.readUInt32LE(at + 4);
  if (length > MAX_HEADER_BYTES) {
    throw new RecordingError(
      `The header at byte ${PREAMBLE_BYTES} (${length} bytes) is over the limit (${MAX_HEADER_BYTES}).`,
    );
  }
  const bytes = held.peek(PREAMBLE_BYTES + length);
  if (bytes === undefined) return undefined;
  const header = parse(RecordingHeader, bytes.subarray(PREAMBLE_BYTES), "header", PREAMBLE_BYTES);
  held.skip(PREAMBLE_BYTES + length);
  return header;
}

function takeRecord(held: HeldBytes): Record | undefined {
  const { offset } = held;
  const head = held.peek(RECORD_HEADER_BYTES);
  if (head === undefined) return undefined;
  const length = head.readUInt32LE(0);
  const kind = head.readUInt8(4);
  const time = Number(head.readBigUInt64LE(5));
  const isJson = kind !== RecordKind.up && Object.values<number>(RecordKind).includes(kind);
  const limit = isJson ? MAX_JSON_RECORD_BYTES : MAX_RECORD_BYTES;
  if (length > limit) {
    throw new RecordingError(
      `The record at byte ${offset} (kind ${kind}, ${length} bytes) is over the limit (${limit}).`,
    );
  }
  const whole = held.peek(RECORD_HEADER_BYTES + length);
  if (whole === undefined) return undefined;
  held.skip(whole.length);
  return { offset, kind, time, payload: whole.subarray(RECORD_HEADER_BYTES) };
}

function entryOf({ kind, payload, ...place }: Record): RecordingEntry | undefined {
  const { offset } = place;
  switch (kind) {
    case RecordKind.up:
      return { ...place, kind: "up", bytes: payload };
    case RecordKind.picture:
      return { ...place, kind: "picture", hash: parse(PictureHash, payload, "picture", offset) };
    case RecordKind.mapped:
      return { ...place, kind: "mapped", hash: parse(MappedHash, payload, "buffer", offset) };
    case RecordKind.end:
      return { ...place, kind: "end", end: parse(RecordingEnd, payload, "end", offset) };
    default:
      return undefined;
  }
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  bytes: Buffer,
  what: string,
  offset: number,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new RecordingError(`The ${what} at byte ${offset} is not JSON.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new RecordingError(
    `The ${what} at byte ${offset} is not as it should be: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}.`,
    { cause: parsed.error },
  );
}
