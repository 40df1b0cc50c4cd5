import { AV_LOG_ERROR } from "node-av/constants";
import { Log } from "node-av/lib";
import { startsDecoder } from "./annex-b.ts";
import type { EncoderBackend } from "./backends.ts";
import { EncoderContext } from "./encoder-context.ts";
import { EncodeError } from "./errors.ts";
import { h264Level } from "./h264-level.ts";
import { Picture } from "./picture.ts";

export type EncoderReport = {
  readonly backend: EncoderBackend;
  /** A sentence: why it is not used. Absent where it works. */
  readonly refusal?: string;
  /** Milliseconds that the probe took. */
  readonly duration: number;
};

/** Large enough for every hardware encoder's minimum. */
const WIDTH = 640;
const HEIGHT = 384;

/**
 * Finds which of the backends work here, by encoding with each: a driver that lists an encoder may still have none.
 * Keeps their order. What FFmpeg logs meanwhile goes to the reports.
 */
export async function probeEncoders(
  backends: readonly EncoderBackend[],
): Promise<readonly EncoderReport[]> {
  const reports: EncoderReport[] = [];
  for (const backend of backends) {
    const log: string[] = [];
    const start = performance.now();
    Log.setCallback((_level, message) => log.push(message.trim()), { maxLevel: AV_LOG_ERROR });
    try {
      await tryEncoder(backend);
      reports.push({ backend, duration: performance.now() - start });
    } catch (error) {
      if (!(error instanceof EncodeError)) throw error;
      // FFmpeg's lines arrive by way of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      const refusal = [error.message, ...log].join(" ");
      reports.push({ backend, refusal, duration: performance.now() - start });
    } finally {
      Log.resetCallback();
    }
  }
  return reports;
}

/** A key frame, a frame, and a key frame on demand at another rate. */
async function tryEncoder(backend: EncoderBackend): Promise<void> {
  using picture = new Picture(backend.layout, WIDTH, HEIGHT, WIDTH);
  picture.write(new Uint8Array(picture.byteLength).fill(128));
  const bitrate = 2_000_000;
  using encoder = await EncoderContext.open(backend, {
    width: WIDTH,
    height: HEIGHT,
    layout: backend.layout,
    level: h264Level(WIDTH, HEIGHT, 60, bitrate),
    frameRate: 60,
    bitrate,
    frameBits: bitrate / 60,
  });
  for (const asked of [true, false, true]) {
    const { payload, isKeyFrame } = await encoder.encode(picture, asked);
    if (isKeyFrame !== asked || startsDecoder(payload) !== asked) {
      throw new EncodeError(
        `${backend.name} makes ${isKeyFrame ? "a" : "no"} key frame ${startsDecoder(payload) ? "with" : "without"} SPS and PPS where ${asked ? "one" : "none"} is asked for.`,
      );
    }
    if (backend.retargets) encoder.retarget(2 * bitrate, (2 * bitrate) / 60);
  }
}
