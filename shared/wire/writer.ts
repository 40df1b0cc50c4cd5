import { encodeUtf8Into, truncateUtf8, utf8Length } from "../base/utf8.ts";
import type { Handle } from "./handles.ts";
import {
  MAX_INLINE_BYTES,
  MAX_LABEL_BYTES,
  MAX_RECORD_COUNT,
  MAX_SEQUENCE_COUNT,
  MAX_STRING_BYTES,
} from "./limits.ts";

/** Bulk data that went before its command in payload frames. */
type StagedData = { readonly stagedLength: number };

/** Bulk data of a command: inline up to MAX_INLINE_BYTES, else staged. */
export type Data = Uint8Array | StagedData;

const MAX_VARINT_BYTES = 8;
const SHORT_TEXT = 64;

/**
 * Encodes values at the end of one growing buffer.
 *
 * The methods for values of bounded size (u8 to handle) are unchecked: reserve() comes before them,
 * once for a whole run. The others make room for themselves. A RangeError means that the value is
 * over what the other side accepts; rewind() then takes back what its command wrote.
 */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #at = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#at;
  }

  /** The bytes written, valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  /** A copy of the bytes written, which the caller owns; the writer is empty after. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return bytes;
  }

  /** A place that rewind() returns to. */
  mark(): number {
    return this.#at;
  }

  rewind(mark: number): void {
    this.#at = mark;
  }

  reserve(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) this.#grow(bytes);
  }

  u8(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  boolean(value: boolean): void {
    this.#bytes[this.#at++] = value ? 1 : 0;
  }

  u32(value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  /** An integer up to 2^53 - 1: what JavaScript has of a uint64. */
  u64(value: number): void {
    let rest = value;
    while (rest > 0xffff_ffff) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.u32(rest);
  }

  i32(value: number): void {
    this.u32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  float(value: number): void {
    this.#view.setFloat32(this.#at, value, true);
    this.#at += 4;
  }

  double(value: number): void {
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  handle({ id, generation }: Handle): void {
    this.u32(id);
    this.u32(generation);
  }

  string(text: string): void {
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) return;
    const length = utf8Length(text);
    if (length > MAX_STRING_BYTES) {
      throw new RangeError(`A string (${length} bytes) is over the limit (${MAX_STRING_BYTES}).`);
    }
    this.reserve(MAX_VARINT_BYTES + length);
    this.u32(length);
    encodeUtf8Into(text, this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
  }

  /** A string for people: what is over MAX_LABEL_BYTES is cut off. */
  label(text: string): void {
    this.string(truncateUtf8(text, MAX_LABEL_BYTES));
  }

  sequenceCount(count: number): void {
    this.#count(count, MAX_SEQUENCE_COUNT, "sequence");
  }

  recordCount(count: number): void {
    this.#count(count, MAX_RECORD_COUNT, "record");
  }

  offsets(values: ArrayLike<number>, start: number, length: number): void {
    this.#count(length, MAX_SEQUENCE_COUNT, "list of dynamic offsets");
    this.reserve(length * 5);
    for (let index = start; index < start + length; index++) this.u32(values[index]!);
  }

  /** The length doubled, plus one if staged; then the bytes, if not. */
  bytes(data: Data): void {
    if ("stagedLength" in data) {
      this.reserve(MAX_VARINT_BYTES);
      this.u64(data.stagedLength * 2 + 1);
      return;
    }
    const { length } = data;
    if (length > MAX_INLINE_BYTES) {
      throw new RangeError(
        `Inline data (${length} bytes) is over the limit (${MAX_INLINE_BYTES}).`,
      );
    }
    this.reserve(MAX_VARINT_BYTES + length);
    this.u32(length * 2);
    this.raw(data);
  }

  /** Bytes without a length; reserve() comes before. */
  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #count(count: number, limit: number, what: string): void {
    if (count > limit) throw new RangeError(`A ${what} (${count}) is over the limit (${limit}).`);
    this.reserve(MAX_VARINT_BYTES);
    this.u32(count);
  }

  /** Writes a short text if it is ASCII, where each unit is a byte. */
  #shortAscii(text: string): boolean {
    const { length } = text;
    this.reserve(1 + length);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[at++] = unit;
    }
    this.#at = at;
    return true;
  }

  #grow(bytes: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    grown.set(this.view());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
