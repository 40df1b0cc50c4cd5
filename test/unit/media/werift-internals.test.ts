import { type MediaStreamTrack, RTCPeerConnection, RtcpRrPacket, useH264 } from "werift";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  forgetDefaultStunServer,
  interceptRtcp,
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
