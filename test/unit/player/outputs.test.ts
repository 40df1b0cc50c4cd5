import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createCanvas, loadImage } from "@napi-rs/canvas";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FramesFolder } from "#server/player/frames-folder.ts";
import { OutputAllowance } from "#server/player/output-allowance.ts";
import { PlayerError } from "#server/player/player-error.ts";
import type { PlayedPicture } from "#server/player/player.ts";
import { VideoFile } from "#server/player/video-file.ts";
import { probeVideo } from "#test/support/probe-video.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-player-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Milliseconds since the recording began. */
type Place = { number: number; ms?: number; surface?: number; width?: number; height?: number };

/** All of one colour: 10, 20, 30. */
function picture({ number, ms = 0, surface = 1, width = 64, height = 48 }: Place): PlayedPicture {
  const texels = new Uint8Array(width * height * 4);
  for (let at = 0; at < texels.length; at += 4) texels.set([30, 20, 10, 99], at);
  const format = "bgra8unorm";
  const hash = { number, surface, width, height, format, sha256: "00".repeat(32) } as const;
  return { hash, time: ms * 1000, texels };
}

test("each picture is a PNG file, named by its number, opaque", async () => {
  const frames = await FramesFolder.make(path.join(folder, "new/frames"), new OutputAllowance());
  await frames.add(picture({ number: 7, width: 3, height: 5 }));
  expect(await readdir(path.join(folder, "new/frames"))).toEqual(["frame-000007.png"]);
  const image = await loadImage(path.join(folder, "new/frames/frame-000007.png"));
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  expect([image.width, image.height]).toEqual([3, 5]);
  expect([...context.getImageData(2, 4, 1, 1).data]).toEqual([10, 20, 30, 255]);
});

/** Of noise, which takes nearly as much as its texels do, as PNG and as H.264. */
function noise(number: number): PlayedPicture {
  const { hash, time } = picture({ number, width: 256, height: 256, ms: number });
  return { hash, time, texels: randomBytes(256 * 256 * 4) };
}

test("no picture is written past the allowance", async () => {
  const frames = await FramesFolder.make(folder, new OutputAllowance(1));
  const write = async (): Promise<void> => {
    for (let number = 1; number <= 10; number++) await frames.add(noise(number));
  };
  await expect(write()).rejects.toThrow("The pictures take more than 1 MiB");
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await stat(path.join(folder, name))).size;
  expect(bytes).toBeLessThanOrEqual(1024 * 1024);
  expect(bytes).toBeGreaterThan(512 * 1024);
});

test("a video ends at the allowance, and is one as far as it goes", async () => {
  const file = path.join(folder, "video.mp4");
  const write = async (): Promise<void> => {
    await using writing = new VideoFile(file, new OutputAllowance(1));
    for (let number = 1; number <= 100; number++) await writing.add(noise(number));
    await writing.finish();
  };
  await expect(write()).rejects.toThrow("The pictures take more than 1 MiB");
  expect((await stat(file)).size).toBeLessThanOrEqual(1024 * 1024);
  expect(await probeVideo(file)).toMatchObject({ width: 256, height: 256 });
});

test.for<{ what: string; pictures: Place[]; video: object }>([
  {
    what: "pictures at their times, also where two are of one",
    pictures: [{ number: 1 }, { number: 2, ms: 40 }, { number: 3, ms: 40 }, { number: 4, ms: 500 }],
    video: { width: 64, height: 48, frames: 4 },
  },
  {
    what: "odd sides made even",
    pictures: [{ number: 1, width: 65, height: 49 }],
    video: { width: 66, height: 50, frames: 1 },
  },
  {
    what: "another size scaled to the first",
    pictures: [{ number: 1 }, { number: 2, ms: 10, width: 128, height: 32 }],
    video: { width: 64, height: 48, frames: 2 },
  },
  {
    what: "the first surface alone",
    pictures: [{ number: 1 }, { number: 2, ms: 10, surface: 2 }],
    video: { width: 64, height: 48, frames: 1 },
  },
])("a video has $what", async ({ pictures, video }) => {
  const file = path.join(folder, "video.mp4");
  {
    await using writing = new VideoFile(file, new OutputAllowance());
    for (const place of pictures) await writing.add(picture(place));
  }
  expect(await probeVideo(file)).toEqual(video);
});

test("without a picture there is no video file", async () => {
  const writing = new VideoFile(path.join(folder, "video.mp4"), new OutputAllowance());
  await writing[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual([]);
});

async function writeFrame(to: string): Promise<void> {
  const frames = await FramesFolder.make(to, new OutputAllowance());
  await frames.add(picture({ number: 1 }));
}

async function writeVideo(file: string): Promise<void> {
  await using writing = new VideoFile(file, new OutputAllowance());
  await writing.add(picture({ number: 1 }));
  await writing.finish();
}

test("what shows a VM's pictures is its owner's alone, as the recording is", async () => {
  const frames = path.join(folder, "frames");
  const video = path.join(folder, "video.mp4");
  await writeFrame(frames);
  await writeVideo(video);
  const modes: string[] = [];
  for (const made of [frames, path.join(frames, "frame-000001.png"), video]) {
    modes.push(((await stat(made)).mode & 0o777).toString(8));
  }
  expect(modes).toEqual(["700", "600", "600"]);
});

describe("what can't be written is told with its path", () => {
  /** Takes no byte: ENOSPC. */
  const FULL = "/dev/full";

  test("a picture where the disk is full", async () => {
    const file = path.join(folder, "frame-000001.png");
    await symlink(FULL, file);
    const said = new PlayerError(
      `${file} can't be written: ENOSPC: no space left on device, write.`,
    );
    await expect(writeFrame(folder)).rejects.toThrow(said);
  });

  test("a folder where a file is", async () => {
    const file = path.join(folder, "file");
    await writeFile(file, "mine");
    await expect(writeFrame(file)).rejects.toThrow(`${file} can't be written: EEXIST`);
  });

  test("a video where the disk is full, also at its last byte", async () => {
    await expect(writeVideo(FULL)).rejects.toThrow(
      new PlayerError(`${FULL} can't be written: ENOSPC: no space left on device, write.`),
    );
  });

  test("a video where a folder is", async () => {
    await expect(writeVideo(folder)).rejects.toThrow(`${folder} can't be written: EISDIR`);
  });
});
