import { expect, test } from "vitest";
import {
  type DatagramKind,
  kindOfDatagram,
  MAX_HANDSHAKE_BYTES,
  readHandshakeRecords,
} from "#server/media/datagram.ts";

test.for<{ what: string; bytes: Buffer; is: DatagramKind }>([
  { what: "a STUN request", bytes: Buffer.of(0, 1), is: "stun" },
  { what: "a DTLS alert", bytes: Buffer.of(21, 254), is: "dtls" },
  { what: "the last of DTLS's first bytes", bytes: Buffer.of(63), is: "dtls" },
  { what: "TURN channel data", bytes: Buffer.of(64, 0), is: "unwanted" },
  { what: "an RTCP receiver report", bytes: Buffer.of(0x81, 201), is: "rtcp" },
  { what: "the last of RTCP's packet types", bytes: Buffer.of(0x90, 223), is: "rtcp" },
  { what: "RTP beyond RTCP's packet types", bytes: Buffer.of(0x90, 224), is: "unwanted" },
  { what: "RTP of payload type 96", bytes: Buffer.of(0x90, 96), is: "unwanted" },
  {
    what: "RTP with its marker, of payload type 96",
    bytes: Buffer.of(0x90, 0x80 | 96),
    is: "unwanted",
  },
  { what: "nothing", bytes: Buffer.alloc(0), is: "unwanted" },
  { what: "one byte of media", bytes: Buffer.of(0x80), is: "unwanted" },
])("$what is $is", ({ bytes, is }) => {
  expect(kindOfDatagram(bytes)).toBe(is);
});

/** A handshake message that claims `length` bytes, of which the record has some. */
function message(length: number, part = 4): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 11;
  header.writeUIntBE(length, 1, 3);
  header.writeUIntBE(part, 9, 3);
  return Buffer.concat([header, Buffer.alloc(part)]);
}

function record(body: Buffer, { type = 22, epoch = 0 } = {}): Buffer {
  const header = Buffer.alloc(13);
  header[0] = type;
  header.writeUInt16BE(0xfefd, 1);
  header.writeUInt16BE(epoch, 3);
  header.writeUInt16BE(body.length, 11);
  return Buffer.concat([header, body]);
}

const largest = record(message(MAX_HANDSHAKE_BYTES));
const tooLarge = record(message(MAX_HANDSHAKE_BYTES + 1));
const says = `A DTLS handshake message claims ${MAX_HANDSHAKE_BYTES + 1} bytes, over the limit (${MAX_HANDSHAKE_BYTES}).`;

test.for<{ what: string; bytes: Buffer; found: object }>([
  { what: "an empty datagram", bytes: Buffer.alloc(0), found: { records: 0 } },
  { what: "an alert", bytes: record(Buffer.of(1, 0), { type: 21 }), found: { records: 0 } },
  { what: "the longest message that may be", bytes: largest, found: { records: 1 } },
  { what: "one byte more", bytes: tooLarge, found: { records: 1, problem: says } },
  {
    what: "one byte more, behind another record",
    bytes: Buffer.concat([largest, record(Buffer.of(1), { type: 20 }), tooLarge]),
    found: { records: 2, problem: says },
  },
  {
    what: "one byte more, behind another message of its record",
    bytes: record(Buffer.concat([message(4), message(MAX_HANDSHAKE_BYTES + 1)])),
    found: { records: 1, problem: says },
  },
  {
    what: "what is encrypted, and claims nothing",
    bytes: record(Buffer.alloc(40, 255), { epoch: 1 }),
    found: { records: 1 },
  },
  { what: "a record that is cut", bytes: largest.subarray(0, 14), found: { records: 1 } },
  { what: "a header that is cut", bytes: largest.subarray(0, 12), found: { records: 0 } },
])("$what is read without trusting its lengths", ({ bytes, found }) => {
  expect(readHandshakeRecords(bytes)).toEqual(found);
});
