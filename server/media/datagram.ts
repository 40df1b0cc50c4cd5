// What is looked at in a datagram of a viewer before werift gets it, which trusts every length that it reads.

/** The first byte tells what a datagram is (RFC 7983, 7). */
const FIRST_DTLS = 20;
const LAST_DTLS = 63;
const FIRST_MEDIA = 128;
const LAST_MEDIA = 191;
/** STUN: judged by its message integrity, whoever sent it. */
const LAST_STUN = 3;

/** RTCP's packet types among RTP's payload types (RFC 5761, 4). */
const FIRST_RTCP = 192;
const LAST_RTCP = 223;

const RECORD_HEADER_BYTES = 13;
const HANDSHAKE = 22;

/**
 * One message of a handshake. werift takes as much memory as the message claims to be long, up to 16 MiB for each record of 25
 * bytes. A browser's are its certificate's size, about 1 KB.
 */
export const MAX_HANDSHAKE_BYTES = 16 * 1024;

export type DatagramKind = "stun" | "dtls" | "rtcp" | "unwanted";

/**
 * A viewer sends no picture, so that RTP is unwanted: werift would walk the length that its header claims for extensions, 256
 * KiB in a packet of 34 bytes, and copy all that it found at each step, for minutes and before it has looked whose it is.
 */
export function kindOfDatagram(bytes: Buffer): DatagramKind {
  const [first = LAST_MEDIA + 1, second = 0] = bytes;
  if (first <= LAST_STUN) return "stun";
  if (first >= FIRST_DTLS && first <= LAST_DTLS) return "dtls";
  const isRtcp = second >= FIRST_RTCP && second <= LAST_RTCP;
  return first >= FIRST_MEDIA && first <= LAST_MEDIA && isRtcp ? "rtcp" : "unwanted";
}

/** Of DTLS records (RFC 6347, 4.1) those of a handshake, and what is wrong with them, as a sentence. */
export function readHandshakeRecords(bytes: Buffer): { records: number; problem?: string } {
  let records = 0;
  for (let at = 0; at + RECORD_HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 11);
    const body = bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length);
    const isPlain = bytes.readUInt16BE(at + 3) === 0;
    if (bytes[at] === HANDSHAKE) {
      records++;
      const longest = isPlain ? longestMessage(body) : 0;
      if (longest > MAX_HANDSHAKE_BYTES) {
        const problem = `A DTLS handshake message claims ${longest} bytes, over the limit (${MAX_HANDSHAKE_BYTES}).`;
        return { records, problem };
      }
    }
    at += RECORD_HEADER_BYTES + length;
  }
  return { records };
}

const MESSAGE_HEADER_BYTES = 12;

/** One record may hold several (RFC 6347, 4.2.2). */
function longestMessage(record: Buffer): number {
  let longest = 0;
  for (let at = 0; at + MESSAGE_HEADER_BYTES <= record.length;) {
    longest = Math.max(longest, record.readUIntBE(at + 1, 3));
    at += MESSAGE_HEADER_BYTES + record.readUIntBE(at + 9, 3);
  }
  return longest;
}
