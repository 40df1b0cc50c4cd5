import { type MediaStreamTrack, RTCPeerConnection, RtcpRrPacket, useH264 } from "werift";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  forgetDefaultStunServer,
  guardSctp,
  interceptRtcp,
  MAX_LOOKED_AHEAD,
  MAX_MISORDERED_CHUNKS,
  MAX_SCTP_PACKETS_PER_SECOND,
  MAX_TOLD_AHEAD,
  orderCheaply,
  sendReport,
  sendRtp,
} from "#server/media/werift-internals.ts";
import { LOOPBACK_PEER } from "#test/support/loopback-peer.ts";

// Two of werift's own connections on loopback: what a new version moves shows here.

const LOOPBACK = {
  ...LOOPBACK_PEER,
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

  test.for<{ what: string; waiting: number[]; told: number[] }>([
    { what: "two that wait", waiting: [2, 4], told: [2, 4] },
    {
      what: "as many as the limit",
      waiting: evenNumbers(MAX_TOLD_AHEAD),
      told: evenNumbers(MAX_TOLD_AHEAD),
    },
    {
      what: "of one more all but the last",
      waiting: evenNumbers(MAX_TOLD_AHEAD + 1),
      told: evenNumbers(MAX_TOLD_AHEAD),
    },
    {
      what: "one as far ahead as the limit",
      waiting: [2, MAX_LOOKED_AHEAD],
      told: [2, MAX_LOOKED_AHEAD],
    },
    {
      what: "none that is one further ahead",
      waiting: [2, MAX_LOOKED_AHEAD + 1],
      told: [2],
    },
  ])("is told of in a SACK: $what", async ({ waiting, told }) => {
    const sctp = association(receiving, LAST);
    const gaps: number[] = [];
    sctp["sendChunk"] = async (chunk) => {
      if ("gaps" in chunk && Array.isArray(chunk.gaps))
        gaps.push(...chunk.gaps.map(([from]) => from));
    };
    orderCheaply(sctp);
    for (const ahead of waiting) receive(sctp, { skip: false, tsn: LAST + ahead });
    sctp["sackNeeded"] = true;
    await sctp["sendSack"]();
    expect(gaps).toEqual(told);
    expect(sctp["sackMisOrdered"].size).toBe(waiting.length);
  });
});

/** The first even numbers from 2 on: none is next to another. */
function evenNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => 2 * (at + 1));
}

/** A packet of an association that is no more, which werift throws away: as made by another peer. */
async function strayPacket(peer: RTCPeerConnection): Promise<Buffer> {
  const sctp = association(peer, 1);
  const sent = Promise.withResolvers<Buffer>();
  sctp.transport.send = async (packet) => sent.resolve(packet);
  sctp["remotePort"] = 5000;
  sctp["sackNeeded"] = true;
  await sctp["sendSack"]();
  return sent.promise;
}

describe("SCTP packets are taken from a viewer", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("as many in a second as the limit, and not one more", async () => {
    const packet = await strayPacket(sending);
    association(receiving, 1);
    const { dtlsTransport } = receiving.sctpTransport!;
    const failures: string[] = [];
    guardSctp(receiving, (reason) => failures.push(reason));
    const receivePackets = (count: number) => {
      for (let at = 0; at < count; at++) dtlsTransport.dataReceiver(packet);
    };
    receivePackets(MAX_SCTP_PACKETS_PER_SECOND);
    vi.advanceTimersByTime(1000);
    receivePackets(MAX_SCTP_PACKETS_PER_SECOND);
    expect(failures).toEqual([]);
    receivePackets(1);
    expect(failures).toEqual([
      `The viewer sent over ${MAX_SCTP_PACKETS_PER_SECOND} SCTP packets in a second.`,
    ]);
  });

  test.for([
    { what: "as many as the limit", count: MAX_MISORDERED_CHUNKS, problems: [] },
    {
      what: "one more, and then none",
      count: MAX_MISORDERED_CHUNKS + 1,
      problems: [
        `The viewer sent ${MAX_MISORDERED_CHUNKS + 1} SCTP chunks out of order, or more than it was given room for.`,
      ],
    },
  ])("while so many numbers wait out of order: $what", async ({ count, problems }) => {
    const packet = await strayPacket(sending);
    const sctp = association(receiving, 1);
    const failures: string[] = [];
    guardSctp(receiving, (reason) => failures.push(reason));
    for (const ahead of evenNumbers(count)) receive(sctp, { skip: false, tsn: 1 + ahead });
    receiving.sctpTransport!.dtlsTransport.dataReceiver(packet);
    await new Promise((resolve) => setImmediate(resolve)); // It is looked at once werift had it.
    expect(failures).toEqual(problems);
  });
});
