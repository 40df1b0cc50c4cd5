import { PlayerError } from "./player-error.ts";

const MEBIBYTE = 1024 * 1024;

/** What a playback may write of pictures, unless it is told otherwise. */
const DEFAULT_OUTPUT_MB = 1024;

/** A file takes so much of a disk at least. */
const BLOCK_BYTES = 4096;

/** Of each packet, for the video's index. */
const INDEX_BYTES = 64;

/** What the pictures of one playback may take of the disk. Bounds what a stranger's file can fill: PNG and H.264 alike. */
export class OutputAllowance {
  readonly #megabytes: number;
  #left: number;

  constructor(megabytes: number = DEFAULT_OUTPUT_MB) {
    this.#megabytes = megabytes;
    this.#left = megabytes * MEBIBYTE;
  }

  /** Before a file of so many bytes is written. Throws PlayerError. */
  takeFile(bytes: number): void {
    this.#take(Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES);
  }

  /** Before a video's packet of so many bytes is written. Throws PlayerError. */
  takePacket(bytes: number): void {
    this.#take(bytes + INDEX_BYTES);
  }

  #take(bytes: number): void {
    if (bytes > this.#left) {
      throw new PlayerError(
        `The pictures take more than ${this.#megabytes} MiB: those before are written; --output-mb allows more.`,
      );
    }
    this.#left -= bytes;
  }
}
