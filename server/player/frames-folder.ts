import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createCanvas, ImageData } from "@napi-rs/canvas";
import { toRgba } from "./pixels.ts";
import type { PlayedPicture } from "./player.ts";

/** Writes each picture as a PNG file, named by its number in the stream. */
export class FramesFolder {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(folder: string): Promise<FramesFolder> {
    await mkdir(folder, { recursive: true });
    return new FramesFolder(folder);
  }

  async add(picture: PlayedPicture): Promise<void> {
    const { number, width, height } = picture.hash;
    const canvas = createCanvas(width, height);
    canvas.getContext("2d").putImageData(new ImageData(toRgba(picture), width, height), 0, 0);
    const name = `frame-${String(number).padStart(6, "0")}.png`;
    await writeFile(path.join(this.#folder, name), await canvas.encode("png"));
  }
}
