import { describe, expect, test } from "vitest";
import {
  isUsableCandidate,
  MAX_EXTENSION_ID,
  readAnswer,
  withoutHiddenCandidates,
} from "#server/media/negotiated.ts";

const answer = (video: string[], ...rest: string[]): string =>
  ["v=0", "s=-", ...video, ...rest, ""].join("\r\n");

const VIDEO = [
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
  "a=rtpmap:96 H264/90000",
  "a=rtpmap:97 rtx/90000",
  "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  "a=extmap:4/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
];
const DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=extmap:9 urn:other"];

const withId = (id: string): string => answer([...VIDEO, `a=extmap:${id} urn:other`]);

describe("an answer", () => {
  test("tells payload types and extensions of the video section alone", () => {
    const { payloadType, rtxPayloadType, extensions } = readAnswer(answer(VIDEO, ...DATA));
    expect({ payloadType, rtxPayloadType }).toEqual({ payloadType: 96, rtxPayloadType: 97 });
    expect([...extensions.values()]).toEqual([1, 4]);
  });

  test("may take no retransmission stream", () => {
    const video = ["m=video 9 UDP/TLS/RTP/SAVPF 96"];
    expect(readAnswer(answer(video))).not.toHaveProperty("rtxPayloadType");
  });

  test.for([
    { why: "rejects the video", video: ["m=video 0 UDP/TLS/RTP/SAVPF 96 97"] },
    { why: "takes no H.264", video: ["m=video 9 UDP/TLS/RTP/SAVPF 97"] },
    { why: "has no video", video: [] },
  ])("is refused when it $why", ({ video }) => {
    expect(() => readAnswer(answer(video, ...DATA))).toThrow("does not take H.264");
  });

  test("has room for the fourteen ids of RFC 8285", () => {
    expect(MAX_EXTENSION_ID).toBe(14);
  });

  test.for(["1", String(MAX_EXTENSION_ID)])("may name a header extension %s", (id) => {
    expect(readAnswer(withId(id)).extensions.get("urn:other")).toBe(Number(id));
  });

  test.for(["0", String(MAX_EXTENSION_ID + 1), "16", "99999999999999999999"])(
    "is refused when it names a header extension %s, which no packet can carry",
    (id) => {
      const sentence = `A header extension's id (${id}) is outside 1..${MAX_EXTENSION_ID}.`;
      expect(() => readAnswer(withId(id))).toThrow(sentence);
    },
  );
});

const HOST = "candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0";
const HIDDEN = "candidate:2 1 udp 2113937151 6f2a0b0e-1f4c.local 50001 typ host generation 0";
const NAMED = HOST.replace("192.0.2.7", "viewer.example");
const IPV6 = HOST.replace("192.0.2.7", "2001:db8::7");
const TCP = "candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active";

test.for([
  { what: "an address", candidate: HOST, usable: true },
  { what: "a name of multicast DNS", candidate: HIDDEN, usable: false },
  { what: "a name of DNS", candidate: NAMED, usable: false },
  { what: "an IPv6 address", candidate: IPV6, usable: true },
  { what: "TCP", candidate: TCP, usable: false },
  { what: "nonsense", candidate: "candidate:", usable: false },
])("a candidate with $what is usable: $usable", ({ candidate, usable }) => {
  expect(isUsableCandidate(candidate)).toBe(usable);
});

test("candidates that would be looked up leave the SDP, and their end with them", () => {
  const sdp = answer(VIDEO, `a=${HOST}`, `a=${HIDDEN}`, "a=end-of-candidates");
  expect(withoutHiddenCandidates(sdp)).toBe(answer(VIDEO, `a=${HOST}`));
});
