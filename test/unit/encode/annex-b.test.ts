import { expect, test } from "vitest";
import { nalUnits, startsDecoder } from "#server/encode/annex-b.ts";

const SPS = [0, 0, 0, 1, 0x67, 66];
const PPS = [0, 0, 0, 1, 0x68, 1];
const SEI = [0, 0, 1, 0x06, 5];
const IDR = [0, 0, 1, 0x65, 0xb8];
const SLICE = [0, 0, 0, 1, 0x41, 0x9a];

test.each([
  { name: "nothing", stream: [], types: [] },
  { name: "no start code", stream: [1, 2, 3], types: [] },
  { name: "a start code and no more", stream: [0, 0, 1], types: [] },
  {
    name: "start codes of three and four bytes",
    stream: [...SPS, ...SEI, ...PPS],
    types: [7, 6, 8],
  },
  { name: "zero bytes behind the last unit", stream: [...SLICE, 0, 0], types: [1] },
  { name: "an escaped start code inside a unit", stream: [0, 0, 1, 0x41, 0, 0, 3, 1], types: [1] },
])("a stream of $name is cut into its NAL units", ({ stream, types }) => {
  expect([...nalUnits(new Uint8Array(stream))].map(({ type }) => type)).toEqual(types);
});

test("a NAL unit is a view without start code and trailing zeros", () => {
  const units = [...nalUnits(new Uint8Array([...SPS, ...IDR, 0]))];
  expect(units.map(({ bytes }) => [...bytes])).toEqual([
    [0x67, 66],
    [0x65, 0xb8],
  ]);
});

test.each([
  { name: "SPS, PPS, IDR", units: [SPS, PPS, IDR], starts: true },
  { name: "SPS, PPS, SEI, IDR", units: [SPS, PPS, SEI, IDR], starts: true },
  { name: "an IDR alone", units: [IDR], starts: false },
  { name: "an IDR without PPS", units: [SPS, IDR], starts: false },
  { name: "PPS before SPS", units: [PPS, SPS, IDR], starts: false },
  { name: "SPS and PPS behind the IDR", units: [IDR, SPS, PPS], starts: false },
  { name: "a slice that is no IDR", units: [SPS, PPS, SLICE], starts: false },
  { name: "nothing", units: [], starts: false },
])("$name starts a decoder: $starts", ({ units, starts }) => {
  expect(startsDecoder(new Uint8Array(units.flat()))).toBe(starts);
});
