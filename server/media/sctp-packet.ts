// What is looked at in an SCTP packet (RFC 9260, 3) before werift's parser gets it, which trusts every length.

const COMMON_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 4;
const SACK_CHUNK = 3;
const SACK_HEADER_BYTES = 16;

/** A packet. Browsers keep to a path's MTU, about 1200; bounds the chunks and gaps of one. */
export const MAX_SCTP_PACKET_BYTES = 2048;

/**
 * Transmission numbers that the gap blocks of one SACK cover. werift walks them one by one; a block of four bytes may
 * claim 65,536. This host has far fewer in flight.
 */
export const MAX_SACKED_NUMBERS = 4096;

/** What is wrong with the packet, as a sentence; undefined where werift may have it. */
export function sctpProblem(packet: Buffer): string | undefined {
  if (packet.length < COMMON_HEADER_BYTES || packet.length > MAX_SCTP_PACKET_BYTES) {
    return `An SCTP packet (${packet.length} bytes) is not of ${COMMON_HEADER_BYTES} to ${MAX_SCTP_PACKET_BYTES}.`;
  }
  for (let at = COMMON_HEADER_BYTES; at < packet.length;) {
    const remaining = packet.length - at;
    const length = remaining < CHUNK_HEADER_BYTES ? 0 : packet.readUInt16BE(at + 2);
    // A length of 0 would never end werift's loop.
    if (length < CHUNK_HEADER_BYTES || length > remaining) {
      return `An SCTP chunk (${length} bytes) does not fit its packet (${remaining} bytes remain).`;
    }
    if (packet[at] === SACK_CHUNK) {
      const problem = sackProblem(packet.subarray(at, at + length));
      if (problem !== undefined) return problem;
    }
    at += Math.ceil(length / 4) * 4;
  }
  return undefined;
}

function sackProblem(chunk: Buffer): string | undefined {
  if (chunk.length < SACK_HEADER_BYTES) return `An SCTP SACK has ${chunk.length} bytes.`;
  const gaps = chunk.readUInt16BE(12);
  const duplicates = chunk.readUInt16BE(14);
  if (SACK_HEADER_BYTES + 4 * (gaps + duplicates) > chunk.length) {
    return `An SCTP SACK (${chunk.length} bytes) counts ${gaps} gaps and ${duplicates} duplicates.`;
  }
  let numbers = 0;
  for (let at = SACK_HEADER_BYTES; at < SACK_HEADER_BYTES + 4 * gaps; at += 4) {
    numbers += Math.max(0, chunk.readUInt16BE(at + 2) - chunk.readUInt16BE(at) + 1);
  }
  return numbers > MAX_SACKED_NUMBERS
    ? `An SCTP SACK covers ${numbers} numbers, over the limit (${MAX_SACKED_NUMBERS}).`
    : undefined;
}
