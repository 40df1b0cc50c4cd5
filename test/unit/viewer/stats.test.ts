import { describe, expect, test } from "vitest";
import { readGatewayStats } from "#client/viewer/stats/gateway-stats.ts";
import { formatBitRate, type StatsSources, statsRows } from "#client/viewer/stats/rows.ts";
import { ratesBetween, readSample, type Sample } from "#client/viewer/stats/sample.ts";

const SAMPLE: Sample = {
  time: 10_000,
  width: 1280,
  height: 720,
  bytes: 1_000_000,
  packets: 1_000,
  packetsLost: 10,
  framesDecoded: 300,
  framesDropped: 2,
  decodeTime: 0.6,
  bufferTime: 3,
  framesBuffered: 300,
  roundTrip: 0.004,
};

const SECOND_LATER: Sample = {
  ...SAMPLE,
  time: 11_000,
  bytes: 1_500_000,
  packets: 1_490,
  packetsLost: 20,
  framesDecoded: 330,
  framesDropped: 3,
  decodeTime: 0.66,
  bufferTime: 3.24,
  framesBuffered: 330,
};

describe("a browser's report", () => {
  const video = {
    type: "inbound-rtp",
    kind: "video",
    timestamp: 10_000,
    frameWidth: 1280,
    frameHeight: 720,
    bytesReceived: 1_000_000,
    packetsReceived: 1_000,
    packetsLost: 10,
    framesDecoded: 300,
    framesDropped: 2,
    totalDecodeTime: 0.6,
    jitterBufferDelay: 3,
    jitterBufferEmittedCount: 300,
  };
  const pair = {
    type: "candidate-pair",
    nominated: true,
    state: "succeeded",
    currentRoundTripTime: 0.004,
  };

  test("is read from the video and the pair in use", () => {
    const unused = { ...pair, nominated: false, currentRoundTripTime: 9 };
    expect(readSample([{ type: "codec" }, unused, pair, video, unused])).toEqual(SAMPLE);
  });

  test("without a pair has no round trip", () => {
    const { roundTrip: _, ...rest } = SAMPLE;
    expect(readSample([video])).toEqual(rest);
  });

  test("lacks nothing but numbers where a browser counts less", () => {
    const sample = readSample([{ type: "inbound-rtp", kind: "video", bytesReceived: "many" }]);
    expect(sample).toMatchObject({ bytes: 0, framesDropped: 0 });
  });

  test("without video is none", () => {
    expect(readSample([pair, { type: "inbound-rtp", kind: "audio" }])).toBeUndefined();
  });
});

describe("rates", () => {
  test("come from two samples", () => {
    const rates = ratesBetween(SAMPLE, SECOND_LATER);
    expect(rates).toMatchObject({
      framesPerSecond: 30,
      bitsPerSecond: 4_000_000,
      packetsLost: 10,
      lossShare: 0.02,
      framesDropped: 1,
      roundTrip: 4,
    });
    expect(rates?.decode).toBeCloseTo(2);
    expect(rates?.buffer).toBeCloseTo(8);
  });

  test("have no times a frame when no frame came", () => {
    const rates = ratesBetween(SAMPLE, { ...SAMPLE, time: 11_000 });
    expect(rates).toEqual({
      framesPerSecond: 0,
      bitsPerSecond: 0,
      packetsLost: 0,
      lossShare: 0,
      framesDropped: 0,
      roundTrip: 4,
    });
  });

  test.each([
    ["no time passed", { ...SECOND_LATER, time: SAMPLE.time }],
    ["the counts are of a newer connection", { ...SECOND_LATER, bytes: 10 }],
  ])("are none when %s", (_name, after) => {
    expect(ratesBetween(SAMPLE, after)).toBeUndefined();
  });

  test("lose nothing when a resent packet is taken off the count", () => {
    expect(ratesBetween(SAMPLE, { ...SECOND_LATER, packetsLost: 5 })).toMatchObject({
      packetsLost: 0,
      lossShare: 0,
    });
  });
});

describe("the gateway's message", () => {
  test("is read", () => {
    const text = JSON.stringify({
      targetBitrate: 5_000_000,
      roundTripMs: 1.5,
      presentToSentMs: { p50: 6, p95: 9 },
      viewers: 2,
    });
    expect(readGatewayStats(text)).toEqual({
      targetBitrate: 5_000_000,
      roundTripMs: 1.5,
      presentToSentMs: 6,
      viewers: 2,
    });
  });

  test.each([
    ["an empty object", "{}"],
    ["null", "null"],
    ["members of other types", `{"targetBitrate":"x","presentToSentMs":7}`],
  ])("that is %s tells nothing", (_name, text) => {
    expect(new Set(Object.values(readGatewayStats(text) ?? {}))).toEqual(new Set([undefined]));
  });

  test("that is not JSON is none", () => {
    expect(readGatewayStats("<html>")).toBeUndefined();
  });
});

const values = (sources: StatsSources): Record<string, string> =>
  Object.fromEntries(statsRows(sources).map(({ name, value }) => [name, value]));

describe("the rows of the panel", () => {
  test("say what is known", () => {
    const rates = ratesBetween(SAMPLE, SECOND_LATER);
    expect(
      values({
        session: { state: "live", sentence: "", encoder: "libx264", adapter: "SwiftShader" },
        sample: SECOND_LATER,
        rates,
        gateway: {
          targetBitrate: 5_000_000,
          roundTripMs: undefined,
          presentToSentMs: 6,
          viewers: 2,
        },
      }),
    ).toEqual({
      Picture: "1280 × 720",
      "Frame rate": "30.0 fps",
      "Bit rate": "4.0 Mbit/s",
      Target: "5.0 Mbit/s",
      Encoder: "libx264",
      Adapter: "SwiftShader",
      Host: "6.0 ms",
      "Round trip": "4.0 ms",
      "Jitter buffer": "8.0 ms",
      Decoding: "2.0 ms",
      "Latency, about": "18 ms",
      "Frames dropped": "1 now, 3 in all",
      Viewers: "2",
      "Packets lost": "10 now (2.0 %), 20 in all",
    });
  });

  test("are dashes while nothing is known", () => {
    expect(new Set(Object.values(values({})))).toEqual(new Set(["–"]));
  });

  test.each([
    [0, "0 kbit/s"],
    [999_499, "999 kbit/s"],
    [999_500, "1.0 Mbit/s"],
    [12_345_678, "12.3 Mbit/s"],
  ])("write %d bits a second as %s", (rate, text) => {
    expect(formatBitRate(rate)).toBe(text);
  });
});
