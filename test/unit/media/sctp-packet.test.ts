import { expect, test } from "vitest";
import {
  MAX_SACKED_NUMBERS,
  MAX_SCTP_PACKET_BYTES,
  sctpProblem,
} from "#server/media/sctp-packet.ts";

const HEADER = Buffer.alloc(12);

/** A chunk with its length in its header, padded to four bytes. */
function chunk(type: number, body: Buffer, length = 4 + body.length): Buffer {
  const header = Buffer.of(type, 0, length >> 8, length & 0xff);
  return Buffer.concat([header, body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
}

/** A SACK of these gap blocks, which may claim to have others. */
function sack(blocks: readonly (readonly [number, number])[], claimed = blocks.length): Buffer {
  const body = Buffer.alloc(12 + 4 * blocks.length);
  body.writeUInt16BE(claimed, 8);
  for (const [index, [start, end]] of blocks.entries()) {
    body.writeUInt16BE(start, 12 + 4 * index);
    body.writeUInt16BE(end, 14 + 4 * index);
  }
  return chunk(3, body);
}

const data = chunk(0, Buffer.alloc(13, 1));

test.for<{ what: string; packet: Buffer }>([
  { what: "a data chunk, padded", packet: Buffer.concat([HEADER, data]) },
  { what: "two chunks", packet: Buffer.concat([HEADER, data, sack([])]) },
  { what: "the largest", packet: Buffer.concat([HEADER, chunk(0, Buffer.alloc(2032))]) },
  {
    what: "a SACK of as many numbers as may be",
    packet: Buffer.concat([HEADER, sack([[1, MAX_SACKED_NUMBERS]])]),
  },
])("a packet of $what passes", ({ packet }) => {
  expect(packet.length).toBeLessThanOrEqual(MAX_SCTP_PACKET_BYTES);
  expect(sctpProblem(packet)).toBeUndefined();
});

test.for<{ what: string; packet: Buffer; says: RegExp }>([
  { what: "one byte", packet: Buffer.alloc(1), says: /packet \(1 bytes\)/ },
  { what: "too few bytes for a header", packet: Buffer.alloc(11), says: /\(11 bytes\)/ },
  {
    what: "one byte more than the limit",
    packet: Buffer.concat([HEADER, chunk(0, Buffer.alloc(2033))]).subarray(0, 2049),
    says: /\(2049 bytes\)/,
  },
  {
    what: "a chunk of length 0, which never ends",
    packet: Buffer.concat([HEADER, chunk(4, Buffer.alloc(0), 0)]),
    says: /chunk \(0 bytes\)/,
  },
  {
    what: "a chunk that is cut",
    packet: Buffer.concat([HEADER, chunk(0, Buffer.alloc(4), 9)]),
    says: /chunk \(9 bytes\) does not fit its packet \(8 bytes/,
  },
  {
    what: "half a chunk's header",
    packet: Buffer.concat([HEADER, Buffer.of(0, 0)]),
    says: /\(2 b/,
  },
  {
    what: "a SACK without its numbers",
    packet: Buffer.concat([HEADER, chunk(3, Buffer.alloc(8))]),
    says: /SACK has 12/,
  },
  {
    what: "a SACK that counts more gaps than it has",
    packet: Buffer.concat([HEADER, sack([[1, 1]], 2)]),
    says: /counts 2 gaps/,
  },
  {
    what: "a SACK of one number more than may be",
    packet: Buffer.concat([
      HEADER,
      sack([
        [1, MAX_SACKED_NUMBERS],
        [0, 0],
      ]),
    ]),
    says: new RegExp(`covers ${MAX_SACKED_NUMBERS + 1} numbers`),
  },
])("a packet with $what is refused with a sentence", ({ packet, says }) => {
  expect(sctpProblem(packet)).toMatch(says);
});
