import * as fc from "fast-check";
import {
  GenericNack,
  PacketStatus,
  PictureLossIndication,
  RecvDelta,
  RtcpHeader,
  RtcpPayloadSpecificFeedback,
  RtcpReceiverInfo,
  RtcpRrPacket,
  RtcpTransportLayerFeedback,
  RunLengthChunk,
  StatusVectorChunk,
  TransportWideCC,
} from "werift";
import { describe, expect, test } from "vitest";
import { readRtcp } from "#server/media/rtcp.ts";

// Packets are made by werift, which browsers understand, so that our reader is tested by other hands.

const SSRC = 0x1234_5678;

function transportWide(fields: Partial<TransportWideCC>): Buffer {
  const feedback = new TransportWideCC({
    senderSsrc: 1,
    mediaSourceSsrc: SSRC,
    baseSequenceNumber: 65_534,
    referenceTime: 2,
    fbPktCount: 1,
    header: new RtcpHeader({ type: 205, count: TransportWideCC.count, version: 2, padding: true }),
    ...fields,
  });
  return new RtcpTransportLayerFeedback({ feedback }).serialize();
}

function pictureLoss(): Buffer {
  const feedback = new PictureLossIndication({ senderSsrc: 1, mediaSsrc: SSRC });
  return new RtcpPayloadSpecificFeedback({ feedback }).serialize();
}

const arrived = (milliseconds: number): RecvDelta => new RecvDelta({ delta: milliseconds * 1000 });

describe("reads", () => {
  test("a receiver report", () => {
    const report = new RtcpRrPacket({
      ssrc: 1,
      reports: [
        new RtcpReceiverInfo({
          ssrc: SSRC,
          fractionLost: 64,
          packetsLost: 17,
          highestSequence: 9,
          jitter: 3,
          lsr: 0xaabb_ccdd,
          dlsr: 32_768,
        }),
      ],
    });
    expect(readRtcp(report.serialize())).toEqual([
      {
        type: "report",
        ssrc: SSRC,
        fractionLost: 0.25,
        packetsLost: 17,
        lastSenderReport: 0xaabb_ccdd,
        delay: 0.5,
      },
    ]);
  });

  test("a NACK with its mask", () => {
    const feedback = new GenericNack({
      senderSsrc: 1,
      mediaSourceSsrc: SSRC,
      lost: [65_534, 65_535, 1],
    });
    const bytes = new RtcpTransportLayerFeedback({ feedback }).serialize();
    const [nack] = readRtcp(bytes);
    expect(nack).toMatchObject({ type: "nack", ssrc: SSRC });
    expect(nack?.type === "nack" && nack.lost.toSorted((a, b) => a - b)).toEqual([
      1, 65_534, 65_535,
    ]);
  });

  test.for([
    { what: "PLI", bytes: pictureLoss() },
    {
      what: "FIR, by its entry",
      // RFC 5104, 4.3.1.1: sender, unused media source; then source, number, reserved.
      bytes: Buffer.from("84ce000400000001000000001234567803000000", "hex"),
    },
  ])("$what", ({ bytes }) => {
    expect(readRtcp(bytes)).toEqual([{ type: "keyFrame", ssrc: SSRC }]);
  });

  test("transport-wide feedback in runs", () => {
    const bytes = transportWide({
      packetStatusCount: 3,
      packetChunks: [
        new RunLengthChunk({
          packetStatus: PacketStatus.TypeTCCPacketReceivedSmallDelta,
          runLength: 3,
        }),
      ],
      recvDeltas: [arrived(1), arrived(0.25), arrived(10)],
    });
    expect(readRtcp(bytes)).toEqual([
      {
        type: "transportFeedback",
        packets: [
          { sequence: 65_534, arrivedAt: 129 },
          { sequence: 65_535, arrivedAt: 129.25 },
          { sequence: 0, arrivedAt: 139.25 },
        ],
      },
    ]);
  });

  test("transport-wide feedback in vectors, with losses and steps back in time", () => {
    const bytes = transportWide({
      packetStatusCount: 4,
      packetChunks: [
        new StatusVectorChunk({ type: 1, symbolSize: 1, symbolList: [1, 0, 2, 1, 0, 0, 0] }),
      ],
      recvDeltas: [
        arrived(4),
        new RecvDelta({ type: PacketStatus.TypeTCCPacketReceivedLargeDelta, delta: -2000 }),
        arrived(1),
      ],
    });
    expect(readRtcp(bytes)).toEqual([
      {
        type: "transportFeedback",
        packets: [
          { sequence: 65_534, arrivedAt: 132 },
          { sequence: 65_535 },
          { sequence: 0, arrivedAt: 130 },
          { sequence: 1, arrivedAt: 131 },
        ],
      },
    ]);
  });

  test("every part of a compound packet", () => {
    const pli = pictureLoss();
    expect(readRtcp(Buffer.concat([pli, pli]))).toHaveLength(2);
  });
});

describe("survives", () => {
  test("a feedback whose run is empty", () => {
    const bytes = transportWide({
      packetStatusCount: 8,
      packetChunks: [
        new RunLengthChunk({ packetStatus: PacketStatus.TypeTCCPacketNotReceived, runLength: 0 }),
      ],
      recvDeltas: [],
    });
    expect(readRtcp(bytes)).toEqual([]);
  });

  test("a packet that is longer than its datagram, after what came before it", () => {
    const pli = pictureLoss();
    expect(readRtcp(Buffer.concat([pli, pli.subarray(0, 8)]))).toHaveLength(1);
  });

  test("any bytes, with bounded work", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(200, 201, 205, 206),
        fc.integer({ min: 0, max: 31 }),
        fc.uint8Array({ maxLength: 200 }),
        (type, count, body) => {
          const words = Math.floor(body.length / 4);
          const bytes = Buffer.from([0x80 | count, type, words >> 8, words & 0xff, ...body]);
          const statuses = readRtcp(bytes).map((message) =>
            message.type === "transportFeedback" ? message.packets.length : 0,
          );
          expect(Math.max(0, ...statuses)).toBeLessThanOrEqual(65_535);
        },
      ),
    );
  });
});
