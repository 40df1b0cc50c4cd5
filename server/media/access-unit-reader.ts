import { TokenBucket } from "#shared/base/token-bucket.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { readAccessUnit } from "./h264.ts";
import {
  ACCESS_UNIT_HEADER_BYTES,
  AccessUnitFlag,
  MAX_ACCESS_UNITS_PER_SECOND,
  MAX_ACCESS_UNIT_BYTES,
  MAX_ACCESS_UNIT_BYTES_PER_SECOND,
  MAX_PICTURE_SIDE,
} from "./messages.ts";

export type AccessUnit = {
  readonly isKeyFrame: boolean;
  readonly width: number;
  readonly height: number;
  /** Microseconds of CLOCK_MONOTONIC: the frame's GPU work was done. */
  readonly capturedAt: number;
  readonly bytes: number;
  /** NAL units without start codes. */
  readonly units: readonly Uint8Array[];
};

/** A worker's clock is the host's own; what is later than this (µs) is a lie that would stop the stream. */
export const MAX_FUTURE = 1_000_000;

/**
 * Cuts a worker's byte stream into access units and checks each. Holds at most one unfinished one.
 * Throws ProtocolError at the first thing that is not allowed; its socket must then be closed.
 */
export class AccessUnitReader {
  readonly #clock: () => number;
  readonly #unitRate = new TokenBucket(MAX_ACCESS_UNITS_PER_SECOND, MAX_ACCESS_UNITS_PER_SECOND);
  readonly #byteRate = new TokenBucket(
    MAX_ACCESS_UNIT_BYTES_PER_SECOND,
    MAX_ACCESS_UNIT_BYTES_PER_SECOND,
  );
  readonly #header = Buffer.alloc(ACCESS_UNIT_HEADER_BYTES);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #filled = 0;

  /** `clock` gives microseconds of CLOCK_MONOTONIC. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  *push(chunk: Uint8Array): Generator<AccessUnit> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload === undefined) {
        const count = Math.min(ACCESS_UNIT_HEADER_BYTES - this.#headerFilled, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + count), this.#headerFilled);
        this.#headerFilled += count;
        at += count;
        if (this.#headerFilled < ACCESS_UNIT_HEADER_BYTES) return;
        this.#payload = new Uint8Array(this.#checkedLength());
        this.#filled = 0;
      }
      const count = Math.min(this.#payload.length - this.#filled, chunk.length - at);
      this.#payload.set(chunk.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#payload.length) return;
      const payload = this.#payload;
      this.#payload = undefined;
      this.#headerFilled = 0;
      yield this.#accessUnit(payload);
    }
  }

  /** Checks the header before memory is taken for its payload. */
  #checkedLength(): number {
    const header = this.#header;
    const length = header.readUInt32LE(0);
    const flags = header.readUInt8(4);
    const width = header.readUInt16LE(5);
    const height = header.readUInt16LE(7);
    const capturedAt = header.readDoubleLE(9);
    if (length === 0 || length > MAX_ACCESS_UNIT_BYTES) {
      throw new ProtocolError(
        `An access unit's length (${length} bytes) is outside 1..${MAX_ACCESS_UNIT_BYTES}.`,
      );
    }
    if ((flags & ~AccessUnitFlag.keyFrame) !== 0) {
      throw new ProtocolError(`An access unit's flags (${flags}) have bits that mean nothing.`);
    }
    for (const side of [width, height]) {
      if (side === 0 || side > MAX_PICTURE_SIDE) {
        throw new ProtocolError(
          `An access unit's picture (${width}x${height}) has a side outside 1..${MAX_PICTURE_SIDE}.`,
        );
      }
    }
    const now = this.#clock();
    if (!(capturedAt >= 0 && capturedAt <= now + MAX_FUTURE)) {
      throw new ProtocolError(
        `An access unit's capture time (${capturedAt} µs) is after the present (${now} µs).`,
      );
    }
    if (!this.#unitRate.take(now / 1000)) {
      throw new ProtocolError(
        `A worker sent over ${MAX_ACCESS_UNITS_PER_SECOND} access units in a second.`,
      );
    }
    if (!this.#byteRate.take(now / 1000, length)) {
      throw new ProtocolError(
        `A worker sent over ${MAX_ACCESS_UNIT_BYTES_PER_SECOND} bytes of access units in a second.`,
      );
    }
    return length;
  }

  #accessUnit(payload: Uint8Array): AccessUnit {
    const isKeyFrame = (this.#header.readUInt8(4) & AccessUnitFlag.keyFrame) !== 0;
    return {
      isKeyFrame,
      width: this.#header.readUInt16LE(5),
      height: this.#header.readUInt16LE(7),
      capturedAt: this.#header.readDoubleLE(9),
      bytes: payload.length,
      units: readAccessUnit(payload, isKeyFrame),
    };
  }
}
