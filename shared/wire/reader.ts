import { decodeUtf8 } from "../base/utf8.ts";
import { ProtocolError } from "./errors.ts";
import type { Handle } from "./handles.ts";
import {
  MAX_INLINE_BYTES,
  MAX_LABEL_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_RECORD_COUNT,
  MAX_SEQUENCE_COUNT,
  MAX_STRING_BYTES,
} from "./limits.ts";

/** Where staged data is. */
export type PayloadSource = { takePayload(length: number): Uint8Array };

/**
 * Decodes what a Writer wrote. The bytes come from a peer that is not trusted: every method checks
 * its bounds and throws a ProtocolError, after which the reader is of no use.
 */
export class Reader {
  #bytes: Uint8Array;
  #end: number;
  #at = 0;
  #view: DataView;

  /** The dynamic offsets that offsets() read, from index 0; valid until its next call. */
  offsetValues: Uint32Array = new Uint32Array(16);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Goes on with other bytes, from their beginning. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#end = bytes.length;
    this.#at = 0;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Where the next byte is read. */
  get position(): number {
    return this.#at;
  }

  /** Throws the sentence as a ProtocolError. */
  refuse(sentence: string): never {
    throw new ProtocolError(sentence);
  }

  /** Throws where anything is left. */
  finish(): void {
    if (this.remaining > 0) this.refuse(`${this.remaining} bytes follow the end.`);
  }

  u8(): number {
    const at = this.#at;
    if (at >= this.#end) this.#refuseEnd(1);
    this.#at = at + 1;
    return this.#bytes[at]!;
  }

  boolean(): boolean {
    const value = this.u8();
    if (value > 1) this.refuse(`A boolean is ${value}.`);
    return value === 1;
  }

  u16(): number {
    const value = this.u32();
    if (value > 0xffff) this.refuse(`A uint16 is ${value}.`);
    return value;
  }

  u32(): number {
    const at = this.#at;
    if (at >= this.#end) this.#refuseEnd(1);
    const first = this.#bytes[at]!;
    this.#at = at + 1;
    return first < 0x80 ? first : this.#longU32(first);
  }

  #longU32(first: number): number {
    let value = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) this.refuse("A varint is over 32 bits.");
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0) this.refuse("A varint is longer than it needs to be.");
        break;
      }
    }
    return value >>> 0;
  }

  /** An integer up to 2^53 - 1. */
  u64(): number {
    const at = this.#at;
    if (at >= this.#end) this.#refuseEnd(1);
    const first = this.#bytes[at]!;
    this.#at = at + 1;
    return first < 0x80 ? first : this.#longU64(first);
  }

  #longU64(first: number): number {
    let value = first & 0x7f;
    let scale = 0x80;
    for (let index = 1; ; index++) {
      const byte = this.u8();
      if (index === 7 && byte > 0x0f) this.refuse("A varint is over 53 bits.");
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) {
        if (byte === 0) this.refuse("A varint is longer than it needs to be.");
        return value;
      }
    }
  }

  i32(): number {
    const value = this.u32();
    return (value >>> 1) ^ -(value & 1);
  }

  float(): number {
    if (this.remaining < 4) this.#refuseEnd(4);
    const value = this.#view.getFloat32(this.#at, true);
    this.#at += 4;
    // WebIDL's float and double are finite.
    if (!Number.isFinite(value)) this.refuse(`A float is ${value}.`);
    return value;
  }

  double(): number {
    if (this.remaining < 8) this.#refuseEnd(8);
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    if (!Number.isFinite(value)) this.refuse(`A double is ${value}.`);
    return value;
  }

  handle(): Handle {
    const id = this.u32();
    return { id, generation: this.u32() };
  }

  /** Which optional fields follow, among those in `known`. */
  mask(known: number): number {
    const present = this.u32();
    if ((present & ~known) !== 0) {
      this.refuse(`A mask (${present}) names fields that are not known (${known}).`);
    }
    return present;
  }

  enumeration<T extends string>(names: readonly (T | undefined)[], type: string): T {
    const number = this.u32();
    return names[number] ?? this.refuse(`${type} has no value numbered ${number}.`);
  }

  /** 0 is null and the numbers are one higher. */
  nullableEnumeration<T extends string>(names: readonly (T | undefined)[], type: string): T | null {
    const number = this.u32();
    if (number === 0) return null;
    return names[number - 1] ?? this.refuse(`${type} has no value numbered ${number - 1}.`);
  }

  string(): string {
    return this.#text(MAX_STRING_BYTES, "string");
  }

  label(): string {
    return this.#text(MAX_LABEL_BYTES, "label");
  }

  /** A string under a limit of its own. */
  shortString(maxBytes: number, what: string): string {
    return this.#text(maxBytes, what);
  }

  sequenceCount(): number {
    return this.#count(MAX_SEQUENCE_COUNT, "sequence");
  }

  recordCount(): number {
    return this.#count(MAX_RECORD_COUNT, "record");
  }

  /** Reads dynamic offsets into offsetValues; returns how many. */
  offsets(): number {
    const count = this.#count(MAX_SEQUENCE_COUNT, "list of dynamic offsets");
    if (count > this.offsetValues.length) this.offsetValues = new Uint32Array(count);
    const values = this.offsetValues;
    for (let index = 0; index < count; index++) values[index] = this.u32();
    return count;
  }

  /** A view of the reader's bytes, or the staged payload. */
  bytes(source: PayloadSource): Uint8Array {
    const lengthAndStaged = this.u64();
    const length = Math.floor(lengthAndStaged / 2);
    if (lengthAndStaged % 2 === 1) {
      if (length > MAX_PAYLOAD_BYTES)
        this.#refuseLimit("staged payload", length, MAX_PAYLOAD_BYTES);
      return source.takePayload(length);
    }
    if (length > MAX_INLINE_BYTES) this.#refuseLimit("inline data", length, MAX_INLINE_BYTES);
    return this.raw(length);
  }

  /** A view of the next bytes. */
  raw(length: number): Uint8Array {
    if (length > this.remaining) this.#refuseEnd(length);
    const at = this.#at;
    this.#at = at + length;
    return this.#bytes.subarray(at, at + length);
  }

  #text(limit: number, what: string): string {
    const length = this.u32();
    if (length > limit) this.#refuseLimit(what, length, limit);
    const bytes = this.raw(length);
    if (length === 0) return "";
    try {
      return decodeUtf8(bytes);
    } catch (cause) {
      throw new ProtocolError(`The ${what} (${length} bytes) is not UTF-8.`, { cause });
    }
  }

  /** Every element takes at least a byte, so a count over what remains is a lie. */
  #count(limit: number, what: string): number {
    const count = this.u32();
    if (count > limit) this.#refuseLimit(what, count, limit);
    if (count > this.remaining) {
      this.refuse(`The ${what} counts ${count} elements and ${this.remaining} bytes remain.`);
    }
    return count;
  }

  #refuseEnd(wanted: number): never {
    throw new ProtocolError(`${wanted} bytes are needed and ${this.remaining} remain.`);
  }

  #refuseLimit(what: string, value: number, limit: number): never {
    throw new ProtocolError(`The ${what} (${value}) is over the limit (${limit}).`);
  }
}
