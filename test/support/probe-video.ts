import { Demuxer } from "node-av/api";

/** What a video file holds: the size of its pictures in pixels, and how many there are. */
export async function probeVideo(
  file: string,
): Promise<{ readonly width: number; readonly height: number; readonly frames: number }> {
  await using input = await Demuxer.open(file);
  const video = input.video();
  if (video === undefined) throw new Error(`${file} has no video.`);
  const { width, height } = video.codecpar;
  let frames = 0;
  for await (const packet of input.packets(video.index)) {
    if (packet !== null) frames++;
    packet?.free();
  }
  return { width, height, frames };
}
