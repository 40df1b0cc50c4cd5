import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { NalType, nalUnits, startsDecoder } from "#server/encode/annex-b.ts";
import { encoderBackends } from "#server/encode/backends.ts";
import { ColorConverter } from "#server/encode/color-converter.ts";
import { probeEncoders } from "#server/encode/encoder-probe.ts";
import { DEFAULT_BITRATE, MAX_BITRATE, MIN_BITRATE } from "#server/encode/limits.ts";
import { Picture } from "#server/encode/picture.ts";
import { type EncodeOptions, VideoEncoder } from "#server/encode/video-encoder.ts";
import { decodeVideo } from "#test/support/decode-video.ts";
import { psnr } from "#test/support/psnr.ts";
import {
  COLOR_BARS,
  type TestPicture,
  ballScene,
  barColors,
  colorBars,
} from "#test/support/test-pictures.ts";

const software = encoderBackends().filter(({ name }) => name === "libx264");

function open(): VideoEncoder {
  const encoder = new VideoEncoder(software);
  onTestFinished(() => encoder.close());
  return encoder;
}

function motion(isKeyFrame: boolean, time: number): EncodeOptions {
  return { isKeyFrame, isAtRest: false, time };
}

/** Converts a test picture as the worker does. */
async function toVideo({ width, height, rgba }: TestPicture): Promise<Picture> {
  const pitch = Math.ceil((width * 4) / 256) * 256;
  using source = new Picture("rgba", width, height, pitch);
  const rows = new Uint8Array(source.byteLength);
  for (let y = 0; y < height; y++) {
    rows.set(rgba.subarray(y * width * 4, (y + 1) * width * 4), y * pitch);
  }
  source.write(rows);
  const video = new Picture("i420", width, height, Math.ceil(width / 128) * 128);
  using converter = new ColorConverter();
  await converter.convert(source, video);
  return video;
}

async function videoOf(picture: TestPicture): Promise<Picture> {
  const video = await toVideo(picture);
  onTestFinished(() => video.close());
  return video;
}

describe("the stream", () => {
  test("starts with SPS and PPS in front of an IDR, of constrained baseline profile and the level that fits", async () => {
    const { payload, isKeyFrame } = await open().encode(
      await videoOf(colorBars(640, 360)),
      motion(false, 0),
    );
    expect(isKeyFrame).toBe(true);
    expect(startsDecoder(payload)).toBe(true);
    const sps = [...nalUnits(payload)].find(({ type }) => type === NalType.sps)!;
    const [, profile, constraints, level] = sps.bytes;
    expect(profile).toBe(66);
    expect(constraints! & 0xc0).toBe(0xc0); // constraint_set0_flag, constraint_set1_flag
    expect(level).toBe(31); // 40 * 23 macroblocks, 60 times a second, 8 Mbit/s
  });

  test("has an IDR where one is asked for, and nowhere else", async () => {
    const encoder = open();
    const video = await videoOf(colorBars(320, 180));
    const asked = [false, false, true, false, true, true, false];
    const units = [];
    for (const [i, keyFrame] of asked.entries()) {
      units.push(await encoder.encode(video, motion(keyFrame, i * 20)));
    }
    const expected = [true, ...asked.slice(1)];
    expect(units.map(({ isKeyFrame }) => isKeyFrame)).toEqual(expected);
    expect(units.map(({ payload }) => startsDecoder(payload))).toEqual(expected);
    expect(decodeVideo(units.map(({ payload }) => payload))).toHaveLength(asked.length);
  });

  test("carries every colour to within 3 of 255, by the colours it signals", async () => {
    const encoder = open();
    const video = await videoOf(colorBars(640, 360));
    const units = [];
    for (let i = 0; i < 4; i++)
      units.push((await encoder.encode(video, motion(false, i * 20))).payload);
    const decoded = decodeVideo(units).at(-1)!;
    for (const [bar, color] of barColors(decoded).entries()) {
      for (const [channel, value] of color.entries()) {
        expect(Math.abs(value - COLOR_BARS[bar]![channel]!), `bar ${bar}`).toBeLessThanOrEqual(3);
      }
    }
  });

  test("follows the picture's size with a key frame of the new size", async () => {
    const encoder = open();
    const sizes = [
      [320, 180],
      [322, 180],
      [2, 2],
      [640, 360],
    ] as const;
    for (const [i, [width, height]] of sizes.entries()) {
      const video = await videoOf(colorBars(width, height));
      const unit = await encoder.encode(video, motion(false, i * 20));
      expect(unit).toMatchObject({ width, height, isKeyFrame: true });
      expect(decodeVideo([unit.payload])[0]).toMatchObject({ width, height });
      expect((await encoder.encode(video, motion(false, i * 20 + 10))).isKeyFrame).toBe(false);
    }
  });
});

describe("a moving scene at 720p", () => {
  let videos: Picture[];
  let scene: TestPicture[];

  beforeAll(async () => {
    scene = Array.from({ length: 12 }, (_, i) => ballScene(1280, 720, i * 0.03));
    videos = [];
    for (const picture of scene) videos.push(await toVideo(picture));
  });

  afterAll(() => {
    for (const video of videos) video.close();
  });

  test.each([30, 60])(
    "is at 32 dB or better at %i frames a second and the default bitrate",
    async (rate) => {
      const encoder = open();
      expect(encoder.bitrate).toBe(DEFAULT_BITRATE);
      const units = [];
      for (const [i, video] of videos.entries()) {
        units.push((await encoder.encode(video, motion(false, (i * 1000) / rate))).payload);
      }
      const decoded = decodeVideo(units);
      expect(decoded).toHaveLength(scene.length);
      const last = psnr(decoded.at(-1)!.rgba, scene.at(-1)!.rgba);
      expect(last).toBeGreaterThan(32);
    },
  );

  test("takes about the bits that the bitrate allows, before and after a retarget, without a key frame", async () => {
    const encoder = open();
    const sizes = async (bitrate: number, from: number) => {
      encoder.retarget(bitrate);
      let bytes = 0;
      for (let i = from; i < from + 48; i++) {
        const unit = await encoder.encode(videos[i % 12]!, motion(false, (i * 1000) / 60));
        expect(unit.isKeyFrame).toBe(i === 0);
        // The first frames after a change pay for those before it.
        if (i >= from + 12) bytes += unit.payload.length;
      }
      return (bytes * 8 * 60) / 36;
    };
    const high = await sizes(12_000_000, 0);
    const low = await sizes(3_000_000, 48);
    const again = await sizes(12_000_000, 96);
    expect(high / 12_000_000).toBeGreaterThan(0.7);
    expect(high / 12_000_000).toBeLessThan(1.15);
    expect(low / 3_000_000).toBeGreaterThan(0.7);
    expect(low / 3_000_000).toBeLessThan(1.15);
    expect(again / low).toBeGreaterThan(3);
  });

  test("keeps every frame within what the link carries until the next, a key frame too", async () => {
    const encoder = open();
    encoder.retarget(6_000_000);
    for (let i = 0; i < 36; i++) {
      const { payload } = await encoder.encode(
        videos[i % 12]!,
        motion(i % 9 === 0, (i * 1000) / 30),
      );
      expect(payload.length * 8, `frame ${i}`).toBeLessThan((6_000_000 / 30) * 1.5);
    }
  });

  test("sharpens when the same picture is encoded again", async () => {
    const encoder = open();
    const units = [];
    for (let i = 0; i < 12; i++)
      units.push((await encoder.encode(videos[i]!, motion(false, i * 16))).payload);
    for (let i = 0; i < 6; i++)
      units.push(
        (await encoder.encode(videos[11]!, { isKeyFrame: false, isAtRest: true, time: 0 })).payload,
      );
    const decoded = decodeVideo(units);
    const moving = psnr(decoded[11]!.rgba, scene[11]!.rgba);
    expect(psnr(decoded.at(-1)!.rgba, scene[11]!.rgba)).toBeGreaterThan(moving + 6);
  });
});

describe("a video encoder", () => {
  test("brings a bitrate inside its limits", () => {
    const encoder = open();
    for (const [asked, got] of [
      [MIN_BITRATE, MIN_BITRATE],
      [MIN_BITRATE - 1, MIN_BITRATE],
      [MAX_BITRATE, MAX_BITRATE],
      [MAX_BITRATE + 1, MAX_BITRATE],
    ] as const) {
      encoder.retarget(asked);
      expect(encoder.bitrate).toBe(got);
    }
  });

  test("encodes at the lowest and the highest bitrate", async () => {
    const encoder = open();
    const video = await videoOf(ballScene(320, 180, 0));
    for (const bitrate of [MIN_BITRATE, MAX_BITRATE, MIN_BITRATE]) {
      encoder.retarget(bitrate);
      const { payload } = await encoder.encode(video, motion(false, 0));
      expect(payload.length).toBeGreaterThan(0);
    }
  });

  test("closes twice without harm, and then encodes no more", async () => {
    const video = await videoOf(colorBars(64, 64));
    const encoder = new VideoEncoder(software);
    await encoder.encode(video, motion(false, 0));
    encoder.close();
    encoder.close();
    encoder[Symbol.dispose]();
    await expect(encoder.encode(video, motion(false, 1))).rejects.toThrow(/closed/);
  });

  test("lets an encode under way finish when it is closed", async () => {
    const video = await videoOf(colorBars(640, 360));
    const encoder = new VideoEncoder(software);
    const encoding = encoder.encode(video, motion(false, 0));
    encoder.close();
    expect((await encoding).isKeyFrame).toBe(true);
  });

  test("is busy while it encodes", async () => {
    const video = await videoOf(colorBars(640, 360));
    const encoder = open();
    const encoding = encoder.encode(video, motion(false, 0));
    await expect(encoder.encode(video, motion(false, 1))).rejects.toThrow(/busy/);
    await encoding;
    await encoder.encode(video, motion(false, 2));
  });

  test("goes on with the next backend when one fails", async () => {
    const broken = { ...software[0]!, title: "broken", options: { preset: "no such preset" } };
    using encoder = new VideoEncoder([broken, ...software]);
    const unit = await encoder.encode(await videoOf(colorBars(64, 64)), motion(false, 0));
    expect(unit.isKeyFrame).toBe(true);
    expect(encoder.title).toBe("libx264");
  });

  test("needs a backend that works", () => {
    expect(() => new VideoEncoder([])).toThrow("No H.264 encoder works on this machine.");
  });
});

test("the probe says of each backend that it works, or why not", async () => {
  const backends = encoderBackends();
  const broken = { ...software[0]!, options: { preset: "no such preset" } };
  const reports = await probeEncoders([...backends, broken]);
  expect(reports.map(({ backend }) => backend)).toEqual([...backends, broken]);
  expect(reports.find(({ backend }) => backend.name === "libx264")!.refusal).toBeUndefined();
  for (const { refusal } of reports) expect(refusal ?? "Works.").toMatch(/^\w.*\./);
  expect(reports.at(-1)!.refusal).toMatch(/no such preset/);
});
