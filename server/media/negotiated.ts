import { isIP } from "node:net";

// What a viewer's answer took of our offer.

export type Negotiated = {
  readonly payloadType: number;
  /** Absent when the viewer does not take retransmissions as a stream of their own. */
  readonly rtxPayloadType?: number;
  /** Header extension ids by URI. */
  readonly extensions: ReadonlyMap<string, number>;
};

export const H264_PAYLOAD_TYPE = 96;
export const RTX_PAYLOAD_TYPE = 97;

/** What a one-byte header extension has room for (RFC 8285, 4.2). A packet with another can't be written. */
export const MAX_EXTENSION_ID = 14;

/**
 * Reads an SDP answer (RFC 8866) to our offer, in which the video section is the first. Throws an
 * Error with a sentence when the viewer takes no H.264, or names an extension that no packet can carry.
 */
export function readAnswer(sdp: string): Negotiated {
  const video = sdp.split(/^m=/m)[1] ?? "";
  const payloadTypes = /^video (\d+) \S+ ([\d ]+)/.exec(video);
  const accepted =
    payloadTypes?.[1] === "0" ? [] : (payloadTypes?.[2] ?? "").split(" ").map(Number);
  if (!accepted.includes(H264_PAYLOAD_TYPE)) {
    throw new Error("The viewer's browser does not take H.264 video over WebRTC.");
  }
  const extensions = new Map<string, number>();
  for (const [, id, uri] of video.matchAll(/^a=extmap:(\d+)(?:\/\S+)? (\S+)/gm)) {
    if (Number(id) < 1 || Number(id) > MAX_EXTENSION_ID) {
      throw new Error(`A header extension's id (${id}) is outside 1..${MAX_EXTENSION_ID}.`);
    }
    extensions.set(uri!, Number(id));
  }
  return {
    payloadType: H264_PAYLOAD_TYPE,
    ...(accepted.includes(RTX_PAYLOAD_TYPE) ? { rtxPayloadType: RTX_PAYLOAD_TYPE } : {}),
    extensions,
  };
}

/**
 * Leaves out candidates that werift would look up (by multicast DNS, or DNS), and the mark of their end: such a
 * viewer is found by its own connectivity checks (RFC 8445, peer-reflexive), which come later.
 */
export function withoutHiddenCandidates(sdp: string): string {
  return sdp
    .split(/\r\n|\n/)
    .filter((line) => !(line.startsWith("a=candidate:") && !isUsableCandidate(line)))
    .filter((line) => line !== "a=end-of-candidates")
    .join("\r\n");
}

/**
 * UDP at an address: a name would be looked up on a stranger's behalf. `line` is a candidate attribute (RFC 8839, 5.1),
 * with or without "a=".
 */
export function isUsableCandidate(line: string): boolean {
  const [, , transport, , address] = line.split(" ");
  return transport?.toLowerCase() === "udp" && isIP(address ?? "") !== 0;
}
