// Reads RTCP (RFC 3550, 4585, 5104; transport-wide feedback: draft-holmer-rmcat-transport-wide-cc-
// extensions-01) from a viewer. A viewer may send anything: what is malformed is left out, and the
// work is bounded by the datagram and by 65,535 statuses a feedback.

export type RtcpMessage =
  /** A report about one stream. `delay` (since our last sender report) is in seconds. */
  | {
      readonly type: "report";
      readonly ssrc: number;
      readonly fractionLost: number;
      readonly packetsLost: number;
      /** Middle 32 bits of the NTP time of our last sender report; 0 before it had one. */
      readonly lastSenderReport: number;
      readonly delay: number;
    }
  | { readonly type: "nack"; readonly ssrc: number; readonly lost: readonly number[] }
  | { readonly type: "keyFrame"; readonly ssrc: number }
  | { readonly type: "transportFeedback"; readonly packets: readonly PacketStatus[] };

export type PacketStatus = {
  /** Transport-wide number, 16 bits. */
  readonly sequence: number;
  /** Milliseconds of the viewer's clock; absent when the packet did not arrive. */
  readonly arrivedAt?: number;
};

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;

const GENERIC_NACK = 1;
const TRANSPORT_WIDE = 15;
const PICTURE_LOSS = 1;
const FULL_INTRA_REQUEST = 4;

const REPORT_BLOCK_BYTES = 24;

/** Reads a compound packet after decryption, up to the first part that does not fit. */
export function readRtcp(bytes: Buffer): RtcpMessage[] {
  const messages: RtcpMessage[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const first = bytes.readUInt8(at);
    const count = first & 0x1f;
    const type = bytes.readUInt8(at + 1);
    const end = at + 4 + 4 * bytes.readUInt16BE(at + 2);
    if (first >> 6 !== 2 || end > bytes.length) return messages;
    const padding = (first & 0x20) === 0 ? 0 : bytes.readUInt8(end - 1);
    const body = bytes.subarray(at + 4, Math.max(at + 4, end - padding));
    at = end;
    if (type === SENDER_REPORT) readReports(body.subarray(24), count, messages);
    else if (type === RECEIVER_REPORT) readReports(body.subarray(4), count, messages);
    else if (type === TRANSPORT_FEEDBACK && count === GENERIC_NACK) readNack(body, messages);
    else if (type === TRANSPORT_FEEDBACK && count === TRANSPORT_WIDE)
      readTransportWide(body, messages);
    else if (type === PAYLOAD_FEEDBACK && count === PICTURE_LOSS) readPictureLoss(body, messages);
    else if (type === PAYLOAD_FEEDBACK && count === FULL_INTRA_REQUEST)
      readFullIntra(body, messages);
  }
  return messages;
}

function readReports(body: Buffer, count: number, messages: RtcpMessage[]): void {
  for (let at = 0; at < count * REPORT_BLOCK_BYTES; at += REPORT_BLOCK_BYTES) {
    if (at + REPORT_BLOCK_BYTES > body.length) return;
    messages.push({
      type: "report",
      ssrc: body.readUInt32BE(at),
      fractionLost: body.readUInt8(at + 4) / 256,
      packetsLost: body.readIntBE(at + 5, 3),
      lastSenderReport: body.readUInt32BE(at + 16),
      delay: body.readUInt32BE(at + 20) / 65_536,
    });
  }
}

function readNack(body: Buffer, messages: RtcpMessage[]): void {
  if (body.length < 8) return;
  const lost: number[] = [];
  for (let at = 8; at + 4 <= body.length; at += 4) {
    const sequence = body.readUInt16BE(at);
    const following = body.readUInt16BE(at + 2);
    lost.push(sequence);
    for (let bit = 0; bit < 16; bit += 1) {
      if ((following & (1 << bit)) !== 0) lost.push((sequence + bit + 1) & 0xffff);
    }
  }
  messages.push({ type: "nack", ssrc: body.readUInt32BE(4), lost });
}

function readPictureLoss(body: Buffer, messages: RtcpMessage[]): void {
  if (body.length >= 8) messages.push({ type: "keyFrame", ssrc: body.readUInt32BE(4) });
}

/** RFC 5104, 4.3.1: the streams stand in the entries, and the header's is 0. */
function readFullIntra(body: Buffer, messages: RtcpMessage[]): void {
  for (let at = 8; at + 8 <= body.length; at += 8) {
    messages.push({ type: "keyFrame", ssrc: body.readUInt32BE(at) });
  }
}

const DELTA_MS = 0.25;
const REFERENCE_MS = 64;

const Arrival = { missing: 0, smallDelta: 1, largeDelta: 2 } as const;

function readTransportWide(body: Buffer, messages: RtcpMessage[]): void {
  if (body.length < 16) return;
  const base = body.readUInt16BE(8);
  const count = body.readUInt16BE(10);
  let arrivedAt = body.readIntBE(12, 3) * REFERENCE_MS;
  const statuses: number[] = [];
  let at = 16;
  while (statuses.length < count) {
    if (at + 2 > body.length) return;
    const chunk = body.readUInt16BE(at);
    at += 2;
    const before = statuses.length;
    if ((chunk & 0x8000) === 0) {
      const run = Math.min(chunk & 0x1fff, count - before);
      for (let index = 0; index < run; index += 1) statuses.push((chunk >> 13) & 3);
    } else if ((chunk & 0x4000) === 0) {
      for (let bit = 13; bit >= 0; bit -= 1) statuses.push((chunk >> bit) & 1);
    } else {
      for (let bit = 12; bit >= 0; bit -= 2) statuses.push((chunk >> bit) & 3);
    }
    if (statuses.length === before) return; // An empty run: nobody means anything by it.
  }
  const packets: PacketStatus[] = [];
  for (let index = 0; index < count; index += 1) {
    const sequence = (base + index) & 0xffff;
    const status = statuses[index];
    if (status === Arrival.smallDelta) {
      if (at + 1 > body.length) return;
      arrivedAt += body.readUInt8(at) * DELTA_MS;
      at += 1;
      packets.push({ sequence, arrivedAt });
    } else if (status === Arrival.largeDelta) {
      if (at + 2 > body.length) return;
      arrivedAt += body.readInt16BE(at) * DELTA_MS;
      at += 2;
      packets.push({ sequence, arrivedAt });
    } else {
      packets.push({ sequence });
    }
  }
  messages.push({ type: "transportFeedback", packets });
}
