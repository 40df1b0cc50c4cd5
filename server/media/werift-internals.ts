import { isIPv6, SocketAddress } from "node:net";
import {
  type RTCDtlsTransport,
  type RTCIceTransport,
  type RTCPeerConnection,
  type RTCRtpSender,
  RtcpSenderInfo,
  RtcpSourceDescriptionPacket,
  RtcpSrPacket,
  RtpHeader,
  SourceDescriptionChunk,
  SourceDescriptionItem,
} from "werift";
import { TokenBucket } from "#shared/base/token-bucket.ts";
import { kindOfDatagram, readHandshakeRecords } from "./datagram.ts";
import { sctpProblem } from "./sctp-packet.ts";

// Everything that reaches past werift's documented API, with the reason for each. Checked against
// 0.25.2; test/unit/media/werift-internals.test.ts fails when a new version moves one of them.

/** One RTP packet before encryption. */
export type RtpPacketFields = {
  readonly ssrc: number;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly extensions: readonly { readonly id: number; readonly payload: Buffer }[];
  readonly payload: Buffer;
};

/** RFC 3550's sender report, of which only we know the numbers. */
export type SenderReport = {
  readonly ssrc: number;
  readonly cname: string;
  /** 32.32 fixed-point seconds since 1900. */
  readonly ntpTime: bigint;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
};

/**
 * Sends RTP straight through the sender's DTLS transport. RTCRtpSender.sendRtp would number packets
 * itself, keep 128 of them for NACK (a key frame has more), and give a resent packet its old
 * transport-wide number, so that congestion control on top of it sees wrong times.
 */
export async function sendRtp(sender: RTCRtpSender, packet: RtpPacketFields): Promise<number> {
  const header = new RtpHeader({
    ssrc: packet.ssrc,
    payloadType: packet.payloadType,
    sequenceNumber: packet.sequence,
    timestamp: packet.timestamp,
    marker: packet.marker,
    extension: true,
    extensions: [...packet.extensions],
  });
  return sender.dtlsTransport.sendRtp(packet.payload, header);
}

/** RTCRtpSender sends its own reports only of what went through its sendRtp. */
export async function sendReport(sender: RTCRtpSender, report: SenderReport): Promise<void> {
  await sender.dtlsTransport.sendRtcp([
    new RtcpSrPacket({
      ssrc: report.ssrc,
      senderInfo: new RtcpSenderInfo({
        ntpTimestamp: report.ntpTime,
        rtpTimestamp: report.rtpTimestamp,
        packetCount: report.packetCount,
        octetCount: report.octetCount,
      }),
    }),
    new RtcpSourceDescriptionPacket({
      chunks: [
        new SourceDescriptionChunk({
          source: report.ssrc,
          items: [new SourceDescriptionItem({ type: 1, text: report.cname })],
        }),
      ],
    }),
  ]);
}

/**
 * Takes RTCP after decryption and before werift's parser, which never ends on a transport-wide
 * feedback with an empty run (a viewer could stop the thread with one packet), and does not tell of
 * FIR. werift itself then sees empty packets. Call when the transport is connected: its SRTCP session
 * is made just before.
 */
export function interceptRtcp(transport: RTCDtlsTransport, receive: (bytes: Buffer) => void): void {
  const { srtcp } = transport;
  const decrypt = srtcp.decrypt;
  const nothing = Buffer.alloc(0);
  srtcp.decrypt = (bytes: Buffer): Buffer => {
    receive(decrypt(bytes));
    return nothing;
  };
}

/** Records of DTLS handshakes of one viewer, from first to last. Bounds handshakes begun anew, and what werift keeps of parts. */
const MAX_HANDSHAKE_RECORDS = 1000;

/** Of the thread's time, for all datagrams of one viewer: milliseconds a second, and at once. */
const DATAGRAM_MS_PER_SECOND = 500;
const DATAGRAM_MS_AT_ONCE = 2_000;

/**
 * Takes datagrams before werift, which gives its DTLS and SRTP what anybody sends to a port of the viewer: a stranger's plain
 * alert would end the stream, and its plain hello begin the handshake anew. Once there is a path to the viewer, only what
 * comes by it is heard, STUN apart. What the viewer itself may not send is told to `fail`. Call before candidates are gathered.
 */
export function guardDatagrams(peer: RTCPeerConnection, fail: (reason: string) => void): void {
  const time = new TokenBucket(DATAGRAM_MS_PER_SECOND, DATAGRAM_MS_AT_ONCE);
  let handshakeRecords = 0;
  let failed = false;
  const refuse = (reason: string): void => {
    failed = true;
    fail(reason);
  };
  const problemOf = (bytes: Buffer): string | undefined => {
    const { records, problem } = readHandshakeRecords(bytes);
    handshakeRecords += records;
    if (problem !== undefined || handshakeRecords <= MAX_HANDSHAKE_RECORDS) return problem;
    return `The viewer sent over ${MAX_HANDSHAKE_RECORDS} records of DTLS handshakes.`;
  };
  for (const { connection } of peer.iceTransports) {
    const { onData } = connection;
    const pass = onData.execute;
    onData.execute = (bytes: Buffer) => {
      if (failed) return;
      const kind = kindOfDatagram(bytes);
      if (kind !== "dtls" && kind !== "rtcp") return;
      const problem = kind === "dtls" ? problemOf(bytes) : undefined;
      if (problem !== undefined) {
        refuse(problem);
        return;
      }
      const start = performance.now();
      pass(bytes);
      const end = performance.now();
      if (!time.take(end, end - start)) refuse("The viewer's datagrams take too much time.");
    };
    onlyByNominatedPath(connection);
  }
}

type IceConnection = RTCIceTransport["connection"];
type Protocol = NonNullable<IceConnection["nominated"]>["protocol"];
type Address = readonly [host: string, port: number];

function onlyByNominatedPath(connection: IceConnection): void {
  const ensure: unknown = Reflect.get(connection, "ensureProtocol");
  if (typeof ensure !== "function") throw new Error("werift opens its sockets in another way.");
  // werift calls it for each socket, before that is open. Of a relay's the relay filters.
  Reflect.set(connection, "ensureProtocol", (protocol: Protocol) => {
    Reflect.apply(ensure, connection, [protocol]);
    if (!("datagramReceived" in protocol) || typeof protocol.datagramReceived !== "function")
      return;
    const receive = protocol.datagramReceived.bind(protocol);
    protocol.datagramReceived = (bytes: Buffer, from: Address): void => {
      const path = connection.nominated;
      const isPath = path?.protocol === protocol && isSameAddress(path.remoteAddr, from);
      if (path === undefined || isPath || kindOfDatagram(bytes) === "stun") receive(bytes, from);
    };
  });
}

/** A candidate may spell an IPv6 address in another way than the system does. */
function isSameAddress([host, port]: Address, from: Address): boolean {
  if (port !== from[1]) return false;
  if (host === from[0]) return true;
  return isIPv6(host) && new SocketAddress({ address: host, family: "ipv6" }).address === from[0];
}

/** SCTP packets of one viewer in a second. Ten times what input at its limit takes. */
export const MAX_SCTP_PACKETS_PER_SECOND = 10_000;

/** Data that came out of order and waits. A burst of moves on a network that loses some leaves thousands. */
export const MAX_MISORDERED_CHUNKS = 16_384;

/**
 * Of the thread's time, for the packets of one viewer: milliseconds a second, and at once. A network that loses some of
 * a burst costs a second, once.
 */
const SCTP_MS_PER_SECOND = 500;
const SCTP_MS_AT_ONCE = 2_000;

/** Numbers out of order that one SACK tells of, and how far ahead. As many as fit a packet; the sender hears of others later. */
export const MAX_TOLD_AHEAD = 256;
export const MAX_LOOKED_AHEAD = 4096;

/**
 * Takes SCTP packets before werift, which trusts their lengths, walks whatever a SACK claims, keeps what came out of
 * order without bound, and lets what it throws end the whole thread as an unhandled rejection. The first packet that it
 * may not have is told to `fail`, and nothing is taken after. Call once the peer has a data channel.
 */
export function guardSctp(peer: RTCPeerConnection, fail: (reason: string) => void): void {
  const association = peer.sctpTransport?.sctp;
  if (association === undefined) throw new Error("The peer has no SCTP association yet.");
  orderCheaply(association);
  const rate = new TokenBucket(MAX_SCTP_PACKETS_PER_SECOND, MAX_SCTP_PACKETS_PER_SECOND);
  const time = new TokenBucket(SCTP_MS_PER_SECOND, SCTP_MS_AT_ONCE);
  let failed = false;
  const refuse = (reason: string): void => {
    if (failed) return;
    failed = true;
    fail(reason);
  };
  const take = async (packet: Buffer): Promise<void> => {
    try {
      await association["handleData"](packet);
    } catch (error) {
      refuse(`An SCTP packet can't be taken: ${error instanceof Error ? error.message : "?"}.`);
    }
    const misordered = association["sackMisOrdered"].size;
    if (misordered > MAX_MISORDERED_CHUNKS || association["advertisedRwnd"] < 0) {
      refuse(
        `The viewer sent ${misordered} SCTP chunks out of order, or more than it was given room for.`,
      );
    }
  };
  association.transport.onData = (packet: Buffer) => {
    if (failed) return;
    const problem = rate.take(performance.now())
      ? sctpProblem(packet)
      : `The viewer sent over ${MAX_SCTP_PACKETS_PER_SECOND} SCTP packets in a second.`;
    if (problem !== undefined) {
      refuse(problem);
      return;
    }
    const start = performance.now();
    void take(packet);
    const end = performance.now();
    if (!time.take(end, end - start)) refuse("The viewer's SCTP packets take too much time.");
  };
}

type Association = NonNullable<RTCPeerConnection["sctpTransport"]>["sctp"];

/**
 * Has werift find what follows the last number in order without sorting, as text, all that waits: which it does for each
 * chunk of data, each skip (FORWARD TSN) and each SACK, so that a packet of many could hold the thread for seconds.
 */
export function orderCheaply(association: Association): void {
  const skip = association.receiveForwardTsnChunk.bind(association);
  const sendSack = association["sendSack"].bind(association);

  const advance = (): void => {
    const waiting = association["sackMisOrdered"];
    let last = association["lastReceivedTsn"] ?? 0;
    while (waiting.delete((last + 1) >>> 0)) last = (last + 1) >>> 0;
    association["lastReceivedTsn"] = last;
    association["sackDuplicates"] = association["sackDuplicates"].filter((tsn: number) => {
      return isAfter(tsn, last);
    });
  };

  // True: it was received before.
  association["markReceived"] = (tsn: number): boolean => {
    const last = association["lastReceivedTsn"];
    if (last === undefined) return true; // Data before the handshake.
    const waiting = association["sackMisOrdered"];
    if (!isAfter(tsn, last) || waiting.has(tsn)) {
      association["sackDuplicates"].push(tsn);
      return true;
    }
    waiting.add(tsn);
    advance();
    return false;
  };

  association.receiveForwardTsnChunk = (chunk): void => {
    const last = association["lastReceivedTsn"];
    if (last === undefined || !isAfter(chunk.cumulativeTsn, last)) {
      skip(chunk);
      return;
    }
    const waiting = association["sackMisOrdered"];
    association["sackMisOrdered"] = new Set();
    skip(chunk);
    for (const tsn of waiting) if (!isAfter(tsn, chunk.cumulativeTsn)) waiting.delete(tsn);
    association["sackMisOrdered"] = waiting;
    advance();
  };

  association["sendSack"] = (): Promise<void> => {
    const waiting = association["sackMisOrdered"];
    association["sackMisOrdered"] = nearest(waiting, association["lastReceivedTsn"] ?? 0);
    try {
      return sendSack(); // It reads them before it waits for anything.
    } finally {
      association["sackMisOrdered"] = waiting;
    }
  };
}

/** Of the numbers that wait, the next ones after `last`. */
function nearest(waiting: ReadonlySet<number>, last: number): Set<number> {
  const found = new Set<number>();
  const most = Math.min(waiting.size, MAX_TOLD_AHEAD);
  for (let ahead = 1; found.size < most && ahead <= MAX_LOOKED_AHEAD; ahead++) {
    const tsn = (last + ahead) >>> 0;
    if (waiting.has(tsn)) found.add(tsn);
  }
  return found;
}

/** Serial number arithmetic (RFC 1982) of 32 bits. */
function isAfter(tsn: number, other: number): boolean {
  const distance = (tsn - other) >>> 0;
  return distance !== 0 && distance < 2 ** 31;
}

/**
 * werift asks a public STUN server of Google's where the configuration names none. A gateway that was
 * told of no server must not tell one of itself, nor wait for it.
 */
export function forgetDefaultStunServer(peer: RTCPeerConnection): void {
  for (const transport of peer.iceTransports) delete transport.connection.stunServer;
}
