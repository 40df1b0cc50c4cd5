import { z } from "zod";
import { SESSION_NAME } from "#server/auth/claims.ts";
import { boundsFields } from "#server/config/bounds.ts";
import { isPrintable, printable } from "#shared/base/printable.ts";

// A recording is one connection's stream, as a file that only ever grows: docs/recording.md.
//
//   magic, u16le major, u16le minor, u32le length, JSON header
//   then records: u32le payload length | u8 kind | u64le microseconds | payload

/** A byte that is no text, the name, and line ends that a careless transfer changes: as PNG begins. */
export const RECORDING_MAGIC = Buffer.from("\x89HGREC\r\n", "latin1");

/** The major changes when an older reader would misread a file, the minor when something is appended. */
export const RECORDING_MAJOR = 1;
const RECORDING_MINOR = 0;

/** Magic, version and the header's length. */
export const PREAMBLE_BYTES = RECORDING_MAGIC.length + 2 + 2 + 4;
export const RECORD_HEADER_BYTES = 4 + 1 + 8;

/** The JSON header. Bounds what a reader holds of a file that is none. */
export const MAX_HEADER_BYTES = 16 * 1024;

/** One record's payload. Bounds what a reader holds of one that never ends; a WebSocket message is no longer. */
export const MAX_RECORD_BYTES = 1 << 20;

/** A record of JSON: a hash or the end. Bounds what parsing one costs. */
export const MAX_JSON_RECORD_BYTES = 8 * 1024;

/** An adapter's name. Bounds what a stranger's file puts in a line; drivers' names have some 60 characters. */
export const MAX_ADAPTER_CHARACTERS = 256;

/** Kinds of records. Numbers are for ever; a reader skips those that it does not know. */
export const RecordKind = {
  /** Bytes from the program, cut as they came: what depends on a reply is in a later record than its request. */
  up: 1,
  /** JSON, PictureHash: a picture that the program presented. */
  picture: 2,
  /** JSON, MappedHash: what the program read from a buffer. */
  mapped: 3,
  /** JSON, RecordingEnd: the last record. Without it the writer was cut off. */
  end: 4,
} as const;

const count = z.number().int().min(0).max(0xffff_ffff);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const side = z.number().int().min(1).max(16_384);

/** A picture's texels as its program left them: rows from the top, without padding. */
export const PictureHash = z.object({
  /** Of the connection's presents, from 1. */
  number: z.number().int().min(1).max(0xffff_ffff),
  surface: count,
  width: side,
  height: side,
  format: z.enum(["bgra8unorm", "rgba8unorm", "rgba16float"]),
  sha256,
});
export type PictureHash = z.infer<typeof PictureHash>;

export const MappedHash = z.object({
  /** The request that the reply answers. */
  request: count,
  bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  sha256,
});
export type MappedHash = z.infer<typeof MappedHash>;

export const RecordingEnd = z.object({
  /** "ended": the connection did. "full": the file is as long as may be. "behind": the disk was too slow. */
  why: z.string().max(32),
  sentence: z.string().max(4096),
});
export type RecordingEnd = z.infer<typeof RecordingEnd>;

/** What is known when a connection opens. Members that a reader does not know are left out by it. */
export const RecordingHeader = z.object({
  /** Of the wire, as the host that recorded speaks it. */
  wire: z.object({ major: count, minor: count }),
  session: z.string().regex(SESSION_NAME),
  connection: count,
  /** ISO 8601. */
  startedAt: z.iso.datetime().max(32),
  adapter: z.object({
    /** As adapterName() has it. */
    name: z.string().max(MAX_ADAPTER_CHARACTERS).refine(isPrintable, "not to be shown"),
    isSoftware: z.boolean(),
  }),
  /** What the session might take: limits that the program was shown, and errors that it got, follow from it. */
  bounds: z.object(boundsFields),
});
export type RecordingHeader = z.infer<typeof RecordingHeader>;

/** What a header says of an adapter whose worker calls it so; the worker may have been taken over. */
export function adapterName(told: string): string {
  return printable(told.slice(0, MAX_ADAPTER_CHARACTERS));
}

/** What stands before the first record. */
export function encodePreamble(header: RecordingHeader): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const preamble = Buffer.alloc(PREAMBLE_BYTES);
  let at = RECORDING_MAGIC.copy(preamble);
  at = preamble.writeUInt16LE(RECORDING_MAJOR, at);
  at = preamble.writeUInt16LE(RECORDING_MINOR, at);
  preamble.writeUInt32LE(json.length, at);
  return Buffer.concat([preamble, json]);
}

/** What stands before a record's payload. `microseconds` are since the recording began. */
export function encodeRecordHeader(kind: number, microseconds: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.writeUInt32LE(length, 0);
  header.writeUInt8(kind, 4);
  header.writeBigUInt64LE(BigInt(Math.max(0, Math.round(microseconds))), 5);
  return header;
}
