import {
  type RTCDtlsTransport,
  type RTCPeerConnection,
  type RTCRtpSender,
  RtcpSenderInfo,
  RtcpSourceDescriptionPacket,
  RtcpSrPacket,
  RtpHeader,
  SourceDescriptionChunk,
  SourceDescriptionItem,
} from "werift";

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

/**
 * werift asks a public STUN server of Google's where the configuration names none. A gateway that was
 * told of no server must not tell one of itself, nor wait for it.
 */
export function forgetDefaultStunServer(peer: RTCPeerConnection): void {
  for (const transport of peer.iceTransports) delete transport.connection.stunServer;
}
