import { type FileHandle, open } from "node:fs/promises";
import { AVSEEK_SET, type AVSeekWhence } from "node-av/constants";
import { PlayerError } from "./player-error.ts";

/** What shows a VM's pictures is its owner's alone, as the recording is. */
export const OUTPUT_MODE = 0o600;

/** Of a file that can't be made or written: a PlayerError with its path, since a failed write names none. */
export function cantWrite(path: string, cause: unknown): PlayerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new PlayerError(`${path} can't be written: ${reason}.`, { cause });
}

/** A file that FFmpeg writes, whose errors are kept: its muxer drops those that it meets at the end. */
export class OutputFile {
  readonly #path: string;
  readonly #file: FileHandle;
  #position = 0;
  #fault: PlayerError | undefined;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Made anew, or emptied. Throws PlayerError. */
  static async open(path: string): Promise<OutputFile> {
    try {
      return new OutputFile(path, await open(path, "w", OUTPUT_MODE));
    } catch (cause) {
      throw cantWrite(path, cause);
    }
  }

  /** As a muxer takes it. Both never reject: what goes wrong is thrown by check(). */
  readonly callbacks = {
    write: async (bytes: Buffer): Promise<number> => {
      const position = this.#position;
      this.#position += bytes.length;
      try {
        // FFmpeg takes its memory back when this resolves.
        for (let at = 0; at < bytes.length && this.#fault === undefined;) {
          const left = bytes.length - at;
          at += (await this.#file.write(bytes, at, left, position + at)).bytesWritten;
        }
      } catch (cause) {
        this.#fault ??= cantWrite(this.#path, cause);
      }
      return bytes.length;
    },
    /** MP4 goes back to where a length stands; it asks for no other kind of seek. */
    seek: (offset: bigint, whence: AVSeekWhence): bigint => {
      if (whence !== AVSEEK_SET) return -1n;
      this.#position = Number(offset);
      return offset;
    },
  };

  /** Throws PlayerError where anything is missing in the file. */
  check(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
