import { type MediaStreamTrack, RTCPeerConnection, RtcpRrPacket, useH264 } from "werift";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  forgetDefaultStunServer,
  interceptRtcp,
  orderCheaply,
  sendReport,
  sendRtp,
} from "#server/media/werift-internals.ts";

// Two of werift's own connections on loopback: what a new version moves shows here.

const LOOPBACK = {
  iceServers: [],
  iceUseIpv4: false,
  iceUseIpv6: false,
  iceAdditionalHostAddresses: ["127.0.0.1"],
  iceInterfaceAddresses: { udp4: "127.0.0.1" },
  codecs: { audio: [], video: [useH264({ payloadType: 96 })] },
};

let sending: RTCPeerConnection;
let receiving: RTCPeerConnection;

beforeEach(() => {
  sending = new RTCPeerConnection(LOOPBACK);
  receiving = new RTCPeerConnection(LOOPBACK);
});
afterEach(async () => {
  await Promise.all([sending.close(), receiving.close()]);
});

async function connected(): Promise<{
  sender: ReturnType<RTCPeerConnection["addTransceiver"]>["sender"];
  track: MediaStreamTrack;
}> {
  const { sender } = sending.addTransceiver("video", { direction: "sendonly" });
  for (const peer of [sending, receiving]) forgetDefaultStunServer(peer);
  const track = receiving.onTrack.asPromise();
  const isUp = sender.dtlsTransport.onStateChange.watch((state) => state === "connected");
  await sending.setLocalDescription(await sending.createOffer());
  await receiving.setRemoteDescription(sending.localDescription!);
  await receiving.setLocalDescription(await receiving.createAnswer());
  await sending.setRemoteDescription(receiving.localDescription!);
  await isUp;
  return { sender, track: (await track)[0] };
}

test("the public STUN server that werift asks by itself is forgotten", () => {
  sending.addTransceiver("video", { direction: "sendonly" });
  const servers = (): unknown[] =>
    sending.iceTransports.map(({ connection }) => connection.stunServer);
  expect(servers()).toEqual([["stun.l.google.com", 19_302]]);
  forgetDefaultStunServer(sending);
  expect(servers()).toEqual([undefined]);
});

test("a packet arrives with the numbers that it was given", async () => {
  const { sender, track } = await connected();
  const arrived = track.onReceiveRtp.asPromise();
  const fields = { payloadType: 96, sequence: 65_535, timestamp: 4_000_000_000, marker: true };
  const extensions = [{ id: 5, payload: Buffer.of(1, 2, 3) }];
  const payload = Buffer.from("payload");
  await sendRtp(sender, { ...fields, ssrc: sender.ssrc, extensions, payload });
  const [packet] = await arrived;
  expect(packet.header).toMatchObject({
    payloadType: 96,
    sequenceNumber: 65_535,
    timestamp: 4_000_000_000,
    marker: true,
    ssrc: sender.ssrc,
    extensions,
  });
  expect(packet.payload).toEqual(payload);
});

test("RTCP comes decrypted, and before werift's parser", async () => {
  const { sender } = await connected();
  const parsed: unknown[] = [];
  sender.dtlsTransport.onRtcp.subscribe((packet) => parsed.push(packet));
  const intercepted = new Promise<Buffer>((resolve) => {
    interceptRtcp(sender.dtlsTransport, resolve);
  });
  const report = new RtcpRrPacket({ ssrc: 77, reports: [] });
  const [transport] = receiving.dtlsTransports;
  if (transport!.state !== "connected") {
    await transport!.onStateChange.watch((state) => state === "connected");
  }
  await transport!.sendRtcp([report]);
  expect(await intercepted).toEqual(report.serialize());
  expect(parsed).toEqual([]);
});

test("a sender report goes out", async () => {
  const { sender } = await connected();
  const [transport] = receiving.dtlsTransports;
  const arrived = transport!.onRtcp.watch(({ type }) => type === 200);
  await sendReport(sender, {
    ssrc: sender.ssrc,
    cname: "name",
    ntpTime: 0x1234_5678_9abc_def0n,
    rtpTimestamp: 9000,
    packetCount: 3,
    octetCount: 4000,
  });
  expect((await arrived)[0]).toMatchObject({
    ssrc: sender.ssrc,
    senderInfo: { ntpTimestamp: 0x1234_5678_9abc_def0n, rtpTimestamp: 9000, octetCount: 4000 },
  });
});

/** werift's association of a new peer, after a handshake that ended with `last`. */
function association(peer: RTCPeerConnection, last: number) {
  peer.createDataChannel("input");
  const { sctp } = peer.sctpTransport!;
  sctp["lastReceivedTsn"] = last;
  return sctp;
}
type Association = ReturnType<typeof association>;

function received(sctp: Association): unknown {
  const waiting = [...sctp["sackMisOrdered"]].toSorted((a, b) => a - b);
  return [sctp["lastReceivedTsn"], waiting, sctp["sackDuplicates"]];
}

function receive(sctp: Association, { skip, tsn }: { skip: boolean; tsn: number }): unknown {
  if (!skip) return sctp["markReceived"](tsn);
  return sctp.receiveForwardTsnChunk(skipTo(tsn));
}

/** werift does not export the class. */
function skipTo(cumulativeTsn: number): Parameters<Association["receiveForwardTsnChunk"]>[0] {
  const chunk: ReturnType<typeof skipTo> = Object.create({ cumulativeTsn, streams: [] });
  return chunk;
}

describe("what comes out of order over SCTP", () => {
  // As text, numbers of one length are in order: there werift's own way is right.
  const LAST = 1_000_000_000;

  test("is taken, skipped and told of as werift does by itself", () => {
    const plain = association(sending, LAST);
    const ours = association(receiving, LAST);
    orderCheaply(ours);
    const step = fc.record({ skip: fc.boolean(), tsn: fc.integer({ min: LAST, max: LAST + 30 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        for (const each of [plain, ours]) {
          each["lastReceivedTsn"] = LAST;
          each["sackMisOrdered"] = new Set();
          each["sackDuplicates"] = [];
        }
        for (const each of steps) {
          expect(receive(ours, each)).toBe(receive(plain, each));
          expect(received(ours)).toEqual(received(plain));
        }
      }),
    );
  });

  test("passes the end of the numbers", () => {
    const sctp = association(receiving, 2 ** 32 - 3);
    orderCheaply(sctp);
    for (const tsn of [1, 0, 2 ** 32 - 1]) receive(sctp, { skip: false, tsn });
    expect(sctp["lastReceivedTsn"]).toBe(2 ** 32 - 3);
    receive(sctp, { skip: false, tsn: 2 ** 32 - 2 });
    expect(received(sctp)).toEqual([1, [], []]);
  });

  test("costs little where much of it waits: each packet of 120 chunks, skips and a SACK", async () => {
    const sctp = association(receiving, LAST);
    orderCheaply(sctp);
    const far = LAST + 10_000;
    const start = performance.now();
    for (let count = 0; count < 16_000; count++)
      receive(sctp, { skip: false, tsn: far + 2 * count });
    for (let count = 0; count < 120; count++) {
      receive(sctp, { skip: false, tsn: far + 2 * count + 1 });
      receive(sctp, { skip: true, tsn: LAST + 1 + count });
      sctp["sackNeeded"] = true;
      await sctp["sendSack"]();
    }
    expect(sctp["sackMisOrdered"].size).toBe(16_120);
    // Sorted each time, they take 17 s.
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
