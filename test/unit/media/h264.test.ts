import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_NAL_UNITS,
  MAX_RTP_PAYLOAD_BYTES,
  packetize,
  readAccessUnit,
} from "#server/media/h264.ts";
import { MAX_ACCESS_UNIT_BYTES } from "#server/media/messages.ts";
import { ProtocolError } from "#shared/wire/errors.ts";

const LONG = [0, 0, 0, 1];
const SHORT = [0, 0, 1];
const SPS = [0x67, 66, 192, 31];
const PPS = [0x68, 206];
const IDR = [0x65, 136, 132];
const SLICE = [0x41, 154, 2];
const DELIMITER = [0x09, 16];
const SUPPLEMENTAL = [0x06, 5, 1];
const FILLER = [0x0c, 255];

const annexB = (...units: number[][]): Uint8Array =>
  Uint8Array.from(units.flatMap((unit, index) => [...(index % 2 ? SHORT : LONG), ...unit]));

describe("an access unit", () => {
  test.for([
    { what: "a key frame", units: [SPS, PPS, IDR], key: true, kept: [SPS, PPS, IDR] },
    {
      what: "slices of a key frame",
      units: [SPS, PPS, IDR, IDR],
      key: true,
      kept: [SPS, PPS, IDR, IDR],
    },
    { what: "any other frame", units: [SLICE], key: false, kept: [SLICE] },
    {
      what: "a key frame behind a delimiter, without it",
      units: [DELIMITER, SPS, PPS, SUPPLEMENTAL, IDR],
      key: true,
      kept: [SPS, PPS, SUPPLEMENTAL, IDR],
    },
    { what: "a frame without its filler", units: [SLICE, FILLER], key: false, kept: [SLICE] },
  ])("may be $what", ({ units, key, kept }) => {
    expect(readAccessUnit(annexB(...units), key).map((unit) => [...unit])).toEqual(kept);
  });

  test.for([
    { why: "no start code", bytes: Uint8Array.from(IDR), key: true, sentence: "start code" },
    {
      why: "bytes before it",
      bytes: Uint8Array.from([7, ...LONG, ...SLICE]),
      key: false,
      sentence: "start code",
    },
    { why: "nothing", bytes: new Uint8Array(), key: false, sentence: "start code" },
    { why: "an empty NAL unit", bytes: annexB(SLICE, []), key: false, sentence: "empty NAL" },
    { why: "the forbidden bit", bytes: annexB([0xc1, 1]), key: false, sentence: "forbidden" },
    { why: "a type of nobody's", bytes: annexB([0x54, 1]), key: false, sentence: "type (20)" },
    { why: "a key frame without SPS", bytes: annexB(PPS, IDR), key: true, sentence: "type 8" },
    { why: "a key frame without PPS", bytes: annexB(SPS, IDR), key: true, sentence: "no PPS" },
    {
      why: "a key frame of other slices",
      bytes: annexB(SPS, PPS, SLICE),
      key: true,
      sentence: "to be a key frame",
    },
    {
      why: "an IDR that is not said",
      bytes: annexB(IDR),
      key: false,
      sentence: "not to be a key frame",
    },
    { why: "no slice", bytes: annexB(SPS, PPS), key: true, sentence: "no slice" },
  ])("is refused with $why", ({ bytes, key, sentence }) => {
    expect(() => readAccessUnit(bytes, key)).toThrow(ProtocolError);
    expect(() => readAccessUnit(bytes, key)).toThrow(sentence);
  });

  test.for([
    { what: "slices", unit: SLICE, kept: MAX_NAL_UNITS },
    { what: "delimiters", unit: DELIMITER, kept: 1 },
    { what: "filler", unit: FILLER, kept: 1 },
  ])("has its most NAL units and not one more, where they are $what", ({ unit, kept }) => {
    const most = [SLICE, ...Array.from({ length: MAX_NAL_UNITS - 1 }, () => unit)];
    expect(readAccessUnit(annexB(...most), false)).toHaveLength(kept);
    expect(() => readAccessUnit(annexB(...most, unit), false)).toThrow(
      `An access unit has over ${MAX_NAL_UNITS} NAL units.`,
    );
  });

  test("is cut at each start code and nowhere else, whatever zeros and ones stand between", () => {
    const byte = fc.constantFrom(0, 1, 2);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (bytes) => {
        const unit = [0x41, ...bytes];
        const expected = digits([...LONG, ...unit])
          .split(/0?001/)
          .slice(1);
        const areSlices = expected.every((each) => each.startsWith("A") || each.startsWith("1"));
        expect(outcome(annexB(unit))).toEqual(areSlices ? expected : "refused");
      }),
      { numRuns: 2000 },
    );
  });

  // A search that steps from one to one, or a count of only what is kept, takes 300 ms for these.
  test.for([
    { what: "ones", pattern: [1] },
    { what: "zeros", pattern: [0] },
    { what: "tiny delimiters", pattern: [0, 0, 1, 9] },
    { what: "tiny filler", pattern: [0, 0, 1, 12, 255] },
  ])("full of $what costs the media thread no more than one of picture data", ({ pattern }) => {
    const picture = hostile([97, 3, 200, 41, 6, 88, 19]);
    const other = hostile(pattern);
    const control = fastest(() => read(picture));
    // Three times the bytes are looked at, and this machine does other things, too.
    expect(fastest(() => read(other))).toBeLessThan(10 * control + 5);
  });
});

/** The largest access unit, a slice whose data repeats the pattern. */
function hostile(pattern: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(MAX_ACCESS_UNIT_BYTES, Uint8Array.from(pattern));
  bytes.set([...LONG, ...SLICE]);
  return bytes;
}

/** A slice's header and the bytes 0, 1 and 2 as one character each. */
function digits(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => (byte === SLICE[0] ? "A" : String(byte))).join("");
}

/** Its NAL units. */
function outcome(bytes: Uint8Array): readonly string[] | "refused" {
  try {
    return readAccessUnit(bytes, false).map(digits);
  } catch (error) {
    if (error instanceof ProtocolError) return "refused";
    throw error;
  }
}

function read(bytes: Uint8Array): void {
  try {
    readAccessUnit(bytes, false);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

/** The least of three times, in milliseconds. */
function fastest(act: () => void): number {
  const times = [1, 2, 3].map(() => {
    const start = performance.now();
    act();
    return performance.now() - start;
  });
  return Math.min(...times);
}

/** What a receiver does (RFC 6184, 5.8). */
function reassemble(payloads: readonly Buffer[]): Buffer[] {
  const units: Buffer[] = [];
  for (const payload of payloads) {
    const [indicator = 0, header = 0] = payload;
    if ((indicator & 0x1f) !== 28) units.push(payload);
    else if ((header & 0x80) !== 0) {
      const first = Buffer.of((indicator & 0xe0) | (header & 0x1f));
      units.push(Buffer.concat([first, payload.subarray(2)]));
    } else units.push(Buffer.concat([units.pop()!, payload.subarray(2)]));
  }
  return units;
}

describe("packets", () => {
  test("put together again are the NAL units, and none is too large", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 * MAX_RTP_PAYLOAD_BYTES }), {
          minLength: 1,
          maxLength: 4,
        }),
        (lengths) => {
          const units = lengths.map((length, index) => {
            const unit = new Uint8Array(length).map((_, at) => at + index);
            unit[0] = 0x65;
            return unit;
          });
          const payloads = packetize(units);
          for (const payload of payloads) {
            expect(payload.length).toBeLessThanOrEqual(MAX_RTP_PAYLOAD_BYTES);
          }
          expect(Buffer.concat(reassemble(payloads))).toEqual(Buffer.concat(units));
        },
      ),
    );
  });

  test.for([
    { bytes: MAX_RTP_PAYLOAD_BYTES, packets: 1 },
    { bytes: MAX_RTP_PAYLOAD_BYTES + 1, packets: 2 },
  ])("of a NAL unit of $bytes bytes are $packets", ({ bytes, packets }) => {
    expect(packetize([new Uint8Array(bytes).fill(0x65)])).toHaveLength(packets);
  });

  test("mark the first and the last fragment", () => {
    const payloads = packetize([new Uint8Array(3 * MAX_RTP_PAYLOAD_BYTES).fill(0x65)]);
    const marks = payloads.map((payload) => payload.readUInt8(1) & 0xc0);
    expect(marks).toEqual([0x80, 0, 0, 0x40]);
  });
});
