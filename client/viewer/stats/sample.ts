import { Members } from "./members.ts";

// What WebRTC counts, and what two counts a second apart say. No DOM here.

/** Counters since the connection began, of the video that arrives. */
export type Sample = {
  /** Milliseconds. */
  readonly time: number;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly packets: number;
  readonly packetsLost: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  /** Seconds, summed over `framesDecoded`. */
  readonly decodeTime: number;
  /** Seconds, summed over `framesBuffered`. */
  readonly bufferTime: number;
  readonly framesBuffered: number;
  /** Seconds; absent until measured. */
  readonly roundTrip?: number;
};

export type Rates = {
  readonly framesPerSecond: number;
  readonly bitsPerSecond: number;
  readonly packetsLost: number;
  /** 0 to 1. */
  readonly lossShare: number;
  readonly framesDropped: number;
  /** Milliseconds a frame; absent when none came. */
  readonly decode?: number;
  readonly buffer?: number;
  readonly roundTrip?: number;
};

/** An RTCStatsReport, of which this needs no more. */
export type Report = { readonly forEach: (visit: (entry: unknown) => void) => void };

/** Undefined while no video arrives. */
export function readSample(report: Report): Sample | undefined {
  let video: Members | undefined;
  let pair: Members | undefined;
  report.forEach((value) => {
    const entry = new Members(value);
    const type = entry.text("type");
    if (type === "inbound-rtp" && entry.text("kind") === "video") video = entry;
    if (
      type === "candidate-pair" &&
      entry.flag("nominated") &&
      entry.text("state") === "succeeded"
    ) {
      pair = entry;
    }
  });
  if (video === undefined) return undefined;
  const roundTrip = pair?.maybe("currentRoundTripTime");
  return {
    time: video.number("timestamp"),
    width: video.number("frameWidth"),
    height: video.number("frameHeight"),
    bytes: video.number("bytesReceived"),
    packets: video.number("packetsReceived"),
    packetsLost: video.number("packetsLost"),
    framesDecoded: video.number("framesDecoded"),
    framesDropped: video.number("framesDropped"),
    decodeTime: video.number("totalDecodeTime"),
    bufferTime: video.number("jitterBufferDelay"),
    framesBuffered: video.number("jitterBufferEmittedCount"),
    ...(roundTrip === undefined ? {} : { roundTrip }),
  };
}

/** Undefined when no time passed, or when the two are of different connections. */
export function ratesBetween(before: Sample, after: Sample): Rates | undefined {
  const seconds = (after.time - before.time) / 1_000;
  if (seconds <= 0 || after.bytes < before.bytes || after.framesDecoded < before.framesDecoded) {
    return undefined;
  }
  const decoded = after.framesDecoded - before.framesDecoded;
  const buffered = after.framesBuffered - before.framesBuffered;
  // A retransmission takes its packet off the count of lost ones again.
  const packetsLost = Math.max(0, after.packetsLost - before.packetsLost);
  const packets = after.packets - before.packets + packetsLost;
  return {
    framesPerSecond: decoded / seconds,
    bitsPerSecond: ((after.bytes - before.bytes) * 8) / seconds,
    packetsLost,
    lossShare: packets > 0 ? packetsLost / packets : 0,
    framesDropped: Math.max(0, after.framesDropped - before.framesDropped),
    ...(decoded > 0 ? { decode: ((after.decodeTime - before.decodeTime) / decoded) * 1_000 } : {}),
    ...(buffered > 0
      ? { buffer: ((after.bufferTime - before.bufferTime) / buffered) * 1_000 }
      : {}),
    ...(after.roundTrip === undefined ? {} : { roundTrip: after.roundTrip * 1_000 }),
  };
}
