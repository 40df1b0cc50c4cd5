import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { create } from "webgpu";
import { type AccessUnit, AccessUnitReader } from "#server/media/access-unit-reader.ts";
import { monotonicMicroseconds } from "#server/media/clock.ts";
import { MediaRequest, NONCE_BYTES } from "#server/media/messages.ts";
import type { PresentedPicture, SurfaceKey } from "#server/replay/surface-host.ts";
import { CAPTURE_BURST } from "#server/worker/capture-pace.ts";
import { Pipeline } from "#server/worker/pipeline.ts";
import { type DecodedPicture, VideoDecoder } from "#test/support/decode-video.ts";
import { largestDifference, psnr } from "#test/support/psnr.ts";
import { type TestPicture, ballScene, colorBars, gradient } from "#test/support/test-pictures.ts";

const COPY_DST = 0x02;
const NONCE = new Uint8Array(NONCE_BYTES).fill(7);

let gpu: GPU;
let device: GPUDevice;
const strayErrors: string[] = [];

async function openDevice(): Promise<GPUDevice> {
  const adapter = await gpu.requestAdapter();
  const opened = await adapter!.requestDevice();
  opened.addEventListener("uncapturederror", (event) => strayErrors.push(event.error.message));
  return opened;
}

beforeAll(async () => {
  gpu = create([]);
  device = await openDevice();
});

afterAll(() => {
  device.destroy();
  if (strayErrors.length > 0) throw new Error(strayErrors.join("\n"));
});

/** The media thread's end of the socket: reads and decodes what comes. */
class Thread {
  readonly socket: Socket;
  readonly units: AccessUnit[] = [];
  readonly pictures: DecodedPicture[] = [];
  readonly shown: (string | undefined)[] = [];
  readonly failures: unknown[] = [];
  readonly #decoder = new VideoDecoder();
  readonly #waiting: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new AccessUnitReader(monotonicMicroseconds);
    let greeting = NONCE_BYTES;
    socket.on("data", (chunk) => {
      const rest = chunk.subarray(Math.min(greeting, chunk.length));
      greeting -= chunk.length - rest.length;
      for (const unit of reader.push(rest)) {
        this.units.push(unit);
        this.pictures.push(...this.#decoder.decode(annexB(unit)));
      }
      this.happened();
    });
    onTestFinished(() => {
      socket.destroy();
      this.#decoder[Symbol.dispose]();
    });
  }

  happened(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async until(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async untilUnits(count: number): Promise<void> {
    await this.until(() => this.units.length >= count);
  }

  /** Resolves with a picture like this one, once it comes. */
  async untilShown(picture: TestPicture, decibels = 30): Promise<void> {
    const { width, height, rgba } = picture;
    await this.until(() => {
      const last = this.pictures.at(-1);
      return last?.width === width && last.height === height && psnr(last.rgba, rgba) > decibels;
    });
  }

  requestKeyFrame(): void {
    this.socket.write(Buffer.of(MediaRequest.keyFrame));
  }
}

function annexB(unit: AccessUnit): Buffer {
  return Buffer.concat(unit.units.flatMap((nal) => [Buffer.of(0, 0, 0, 1), nal]));
}

async function open(): Promise<{ pipeline: Pipeline; thread: Thread }> {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-test-"));
  const server = createServer().listen(path.join(folder, "media"));
  onTestFinished(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });
  await once(server, "listening");
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const probeDevice = await openDevice();
  let thread: Thread | undefined;
  const pipeline = await Pipeline.open({
    mediaSocket: path.join(folder, "media"),
    mediaNonce: NONCE,
    probeDevice,
    events: {
      shown({ connection }, size) {
        thread?.shown.push(`${connection}: ${size ? `${size.width}x${size.height}` : "gone"}`);
      },
      refused({ connection }, { width, height }) {
        thread?.shown.push(`${connection}: ${width}x${height} refused`);
      },
      failed(error) {
        thread?.failures.push(error);
        thread?.happened();
      },
    },
  });
  probeDevice.destroy();
  onTestFinished(() => pipeline.close());
  thread = new Thread(await accepted);
  return { pipeline, thread };
}

const surface: SurfaceKey = { connection: 1, id: 1 };

function presented(
  { width, height, rgba }: TestPicture,
  of: Partial<PresentedPicture> = {},
): PresentedPicture {
  const on = of.device ?? device;
  const texture = on.createTexture({ size: [width, height], format: "rgba8unorm", usage: 0x07 });
  expect(texture.usage & COPY_DST).toBe(COPY_DST);
  on.queue.writeTexture({ texture }, rgba, { bytesPerRow: width * 4 }, [width, height]);
  return {
    surface,
    device: on,
    texture,
    width,
    height,
    format: "rgba8unorm",
    alphaMode: "opaque",
    colorSpace: "srgb",
    toneMapping: "standard",
    destroy: () => texture.destroy(),
    ...of,
  };
}

function noise(seed: number): TestPicture {
  const picture = gradient(640, 360);
  let state = seed * 2 + 1;
  for (let at = 0; at < picture.rgba.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    picture.rgba[at] = state >>> 24;
  }
  return picture;
}

test("the probe finds libx264 and, on a software GPU, swscale", async () => {
  const { pipeline } = await open();
  expect(pipeline.encoder).toBe("libx264");
  expect(pipeline.probe.encoders).toHaveLength(3);
  expect(pipeline.probe.capture.path).toBe("swscale");
});

describe("a picture that is presented", () => {
  test("reaches the media thread in its own colours, with the time at which the GPU was done", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const bars = colorBars(640, 360);
    const before = monotonicMicroseconds();
    await pipeline.present(presented(bars));
    const after = monotonicMicroseconds();
    await thread.untilUnits(1);
    const [unit] = thread.units;
    expect(unit).toMatchObject({ isKeyFrame: true, width: 640, height: 360 });
    expect(unit!.capturedAt).toBeGreaterThan(before);
    expect(unit!.capturedAt).toBeLessThan(after);
    const { rgba } = thread.pictures[0]!;
    for (let bar = 0; bar < 10; bar++) {
      const at = (180 * 640 + bar * 64 + 32) * 4;
      expect(
        largestDifference(rgba.subarray(at, at + 4), bars.rgba.subarray(at, at + 4)),
        `bar ${bar}`,
      ).toBeLessThanOrEqual(3);
    }
    expect(thread.shown).toEqual(["1: 640x360"]);
  });

  test("makes no access unit when it did not change", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const bars = colorBars(640, 360);
    await pipeline.present(presented(bars));
    await thread.untilUnits(1);
    for (let i = 0; i < 3; i++) await pipeline.present(presented(bars));
    const other = gradient(640, 360);
    await pipeline.present(presented(other));
    await thread.untilShown(other);
    const stats = pipeline.takeStats();
    expect(stats).toMatchObject({ presented_frames: 5, unchanged_frames: 3, encoded_frames: 2 });
    expect(thread.units.length).toBe(2 + (stats["repeated_frames"] ?? 0));
    for (const stage of ["present_to_mapped", "compare", "convert", "encode", "mapped_to_socket"]) {
      const mean = stats[`${stage}_ms`] ?? 0;
      expect(mean, `mean of ${stage}`).toBeGreaterThan(0);
      expect(stats[`${stage}_max_ms`], `longest ${stage}`).toBeGreaterThanOrEqual(mean);
    }
  });

  test("sharpens at rest, then costs nothing", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const scene = ballScene(640, 360, 0);
    thread.socket.write(Buffer.of(MediaRequest.bitrate, 0xc0, 0xc6, 0x2d, 0)); // 3 Mbit/s
    await pipeline.present(presented(ballScene(640, 360, 1)));
    await thread.untilUnits(1);
    await pipeline.present(presented(scene));
    await thread.untilUnits(2);
    const atFirst = psnr(thread.pictures[1]!.rgba, scene.rgba);
    await thread.untilShown(scene, atFirst + 3);
    expect(thread.units.slice(1).every(({ isKeyFrame }) => !isKeyFrame)).toBe(true);
  });

  test("whose device goes while it waits to be encoded is left out, and the next one comes", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    for (let round = 0; round < 8; round++) {
      const going = await openDevice();
      const presents = [1, 2, 3].map((seed) =>
        pipeline.present(presented(noise(seed), { device: going })),
      );
      await presents[0];
      going.destroy();
      await Promise.all(presents);
    }
    const scene = ballScene(640, 360, 0);
    await pipeline.present(presented(scene));
    await thread.untilShown(scene);
    expect(thread.failures).toEqual([]);
  });

  test("changes the video's size, to even sides", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const sizes = [
      [320, 180, 320, 180],
      [321, 179, 322, 180],
      [64, 64, 64, 64],
    ] as const;
    for (const [width, height, videoWidth, videoHeight] of sizes) {
      await pipeline.present(presented(gradient(width, height)));
      await thread.until(() => thread.units.at(-1)?.width === videoWidth);
      const unit = thread.units.find((candidate) => candidate.width === videoWidth);
      expect(unit).toMatchObject({ isKeyFrame: true, height: videoHeight });
    }
    expect(thread.shown).toEqual(["1: 320x180", "1: 321x179", "1: 64x64"]);
  });

  test("is refused when no level of H.264 holds it", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    await pipeline.present(presented(colorBars(64, 64), { width: 16_386 }));
    expect(pipeline.takeStats()).toEqual({ presented_frames: 1, refused_frames: 1 });
    await pipeline.present(presented(colorBars(64, 64)));
    await thread.untilUnits(1);
  });

  test.for([
    { what: "of the largest size that its profile allows", size: [320, 180], shown: "320x180" },
    { what: "a pixel wider", size: [321, 180], shown: "321x180 refused" },
    { what: "a pixel higher", size: [320, 181], shown: "320x181 refused" },
  ])("$what: $shown", async ({ size: [width, height], shown }) => {
    const { pipeline, thread } = await open();
    pipeline.maxSize = { width: 320, height: 180 };
    pipeline.setAudience(1);
    await pipeline.present(presented(gradient(width!, height!)));
    await pipeline.present(presented(colorBars(64, 64)));
    await thread.until(() => thread.units.at(-1)?.width === 64);
    expect(thread.shown).toEqual([`1: ${shown}`, "1: 64x64"]);
    const refused = shown.endsWith("refused");
    expect(pipeline.takeStats()["refused_frames"]).toBe(refused ? 1 : undefined);
  });

  test("without end is shown no faster than the session is, and the newest picture in the end", async () => {
    const { pipeline, thread } = await open();
    const frameRate = 20;
    pipeline.frameRate = frameRate;
    pipeline.setAudience(1);
    const base = gradient(160, 120);
    const picture = (luma: number): TestPicture => ({
      ...base,
      rgba: base.rgba.slice().fill(luma),
    });
    const began = performance.now();
    let presents = 0;
    for (; performance.now() - began < 2_000; presents++) {
      void pipeline.present(presented(picture(presents % 200)));
      await delay(2);
    }
    await pipeline.present(presented(base));
    await thread.untilShown(base);
    const seconds = (performance.now() - began) / 1000;
    expect(presents).toBeGreaterThan(2 * seconds * frameRate); // Else this shows nothing.
    const most = 1.1 * frameRate * seconds + CAPTURE_BURST;
    const { encoded_frames: encoded } = pipeline.takeStats();
    expect(encoded).toBeLessThanOrEqual(most);
    expect(encoded).toBeGreaterThan(most / 4);
  });
});

describe("a picture that nobody watches", () => {
  test("is not encoded until somebody does, and then is the newest", async () => {
    const { pipeline, thread } = await open();
    const newest = gradient(320, 180);
    await pipeline.present(presented(colorBars(320, 180)));
    await pipeline.present(presented(newest));
    expect(pipeline.takeStats()).toEqual({ presented_frames: 2, skipped_frames: 1 });
    pipeline.setAudience(1);
    await thread.untilShown(newest);
    expect(thread.units[0]).toMatchObject({ isKeyFrame: true });
    expect(pipeline.takeStats()["encoded_frames"]).toBe(1);
  });

  test("comes as a key frame when one is asked for", async () => {
    const { pipeline, thread } = await open();
    const picture = gradient(320, 180);
    await pipeline.present(presented(picture));
    thread.requestKeyFrame();
    await thread.untilShown(picture);
    expect(thread.units).toHaveLength(1);
    thread.requestKeyFrame();
    await thread.untilUnits(2);
    expect(thread.units.map(({ isKeyFrame }) => isKeyFrame)).toEqual([true, true]);
    expect(thread.units[1]!.capturedAt).toBeGreaterThan(thread.units[0]!.capturedAt);
  });

  test("is presented after the key frame was asked for, and answers it", async () => {
    const { pipeline, thread } = await open();
    thread.requestKeyFrame();
    const picture = gradient(320, 180);
    const other = colorBars(320, 180);
    await pipeline.present(presented(other));
    await pipeline.present(presented(picture));
    await thread.untilUnits(1);
    expect(thread.units[0]!.isKeyFrame).toBe(true);
  });
});

describe("with two surfaces", () => {
  test("the newer is shown while it draws, and the older comes back when it goes", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const other: SurfaceKey = { connection: 2, id: 1 };
    const below = ballScene(320, 180, 0);
    const above = gradient(320, 180);
    await pipeline.present(presented(colorBars(160, 90)));
    await pipeline.present(presented(above, { surface: other }));
    await pipeline.present(presented(below));
    await thread.untilShown(above);
    pipeline.release(other);
    await thread.untilShown(below);
    expect(thread.shown).toEqual(["1: 160x90", "2: 320x180", "2: gone", "1: 320x180"]);
    pipeline.release(surface);
    expect(thread.shown.at(-1)).toBe("1: gone");
  });
});

describe("when things break", () => {
  test("a media thread that does not read costs frames before they are encoded, never after", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    thread.socket.write(Buffer.of(MediaRequest.bitrate, 0, 0xe1, 0xf5, 5)); // 100 Mbit/s
    await pipeline.present(presented(noise(0)));
    await thread.untilUnits(1);
    thread.requestKeyFrame();
    await thread.until(() => thread.units.slice(1).some(({ isKeyFrame }) => isKeyFrame));
    const before = thread.units.length;
    pipeline.takeStats();
    thread.socket.pause();
    const frames = 24;
    for (let i = 1; i <= frames; i++) await pipeline.present(presented(noise(i)));
    const stats = pipeline.takeStats();
    expect(stats["skipped_frames"]).toBeGreaterThan(0);
    thread.socket.resume();
    const last = gradient(640, 360);
    await pipeline.present(presented(last));
    await thread.untilShown(last); // The decoder accepts no gap in the reference chain.
    expect(thread.units.slice(before).some(({ isKeyFrame }) => isKeyFrame)).toBe(false);
    expect(thread.units.length - before).toBeLessThan(frames);
  });

  test("frames that come faster than they are encoded are encoded all the same", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const pictures = [0, 1, 2].map((time) => ballScene(640, 360, time));
    for (let i = 0; thread.units.length < 12; i++) {
      await pipeline.present(presented(pictures[i % 3]!));
    }
    expect(thread.units.length).toBeGreaterThanOrEqual(12);
  });

  test("a burst of frames without waiting ends in the last of them", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const last = gradient(640, 360);
    const presents = [];
    for (let i = 0; i < 8; i++) presents.push(pipeline.present(presented(ballScene(640, 360, i))));
    presents.push(pipeline.present(presented(last)));
    await Promise.all(presents);
    await thread.untilShown(last);
    expect(pipeline.takeStats()["skipped_frames"]).toBeGreaterThan(0);
  });

  test("a device that is lost ends its presents, and other devices go on", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const own = await openDevice();
    await pipeline.present(presented(colorBars(320, 180), { device: own }));
    await thread.untilUnits(1);
    const underway = pipeline.present(presented(gradient(320, 180), { device: own }));
    own.destroy();
    await underway;
    const other = ballScene(320, 180, 0);
    await pipeline.present(presented(other));
    await thread.untilShown(other);
    expect(thread.failures).toEqual([]);
  });

  test("the media thread's end closes the pipeline, which says so once and presents to nobody", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    await pipeline.present(presented(colorBars(320, 180)));
    thread.socket.end();
    await thread.until(() => thread.failures.length > 0);
    expect(thread.failures).toEqual([new Error("The media thread closed its socket.")]);
    await pipeline.present(presented(gradient(320, 180)));
    pipeline.close();
    pipeline.close();
    expect(thread.failures).toHaveLength(1);
  });

  test("closing while frames are on their way is clean", async () => {
    const { pipeline, thread } = await open();
    pipeline.setAudience(1);
    const presents = Array.from({ length: 3 }, (_, i) =>
      pipeline.present(presented(ballScene(640, 360, i))),
    );
    pipeline.close();
    await Promise.all(presents);
    expect(thread.failures).toEqual([]);
  });
});
