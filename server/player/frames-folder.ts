import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { createCanvas, ImageData } from "@napi-rs/canvas";
import type { OutputAllowance } from "./output-allowance.ts";
import { cantWrite, OUTPUT_MODE } from "./output-file.ts";
import { toRgba } from "./pixels.ts";
import type { PlayedPicture } from "./player.ts";

/** Of a folder that is made: as the session's recordings are kept. */
const FOLDER_MODE = 0o700;

/** Writes each picture as a PNG file, named by its number in the stream. */
export class FramesFolder {
  readonly #folder: string;
  readonly #allowance: OutputAllowance;

  private constructor(folder: string, allowance: OutputAllowance) {
    this.#folder = folder;
    this.#allowance = allowance;
  }

  /** Throws PlayerError where there can be no such folder. */
  static async make(folder: string, allowance: OutputAllowance): Promise<FramesFolder> {
    try {
      await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    } catch (cause) {
      throw cantWrite(folder, cause);
    }
    return new FramesFolder(folder, allowance);
  }

  /** Throws PlayerError where the allowance is used up, or the disk does not take it. */
  async add(picture: PlayedPicture): Promise<void> {
    const { number, width, height } = picture.hash;
    const canvas = createCanvas(width, height);
    canvas.getContext("2d").putImageData(new ImageData(toRgba(picture), width, height), 0, 0);
    const name = `frame-${String(number).padStart(6, "0")}.png`;
    const png = await canvas.encode("png");
    this.#allowance.takeFile(png.length);
    const file = path.join(this.#folder, name);
    try {
      await writeFile(file, png, { mode: OUTPUT_MODE });
    } catch (cause) {
      throw cantWrite(file, cause);
    }
  }
}
