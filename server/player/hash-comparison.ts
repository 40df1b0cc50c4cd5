import { PlayerError } from "./player-error.ts";
import type { MappedHash, PictureHash } from "#server/recording/format.ts";

/** Hashes that are waited for. Bounds the memory that a recording takes of its player. */
export const MAX_UNPAIRED_HASHES = 1_000_000;

/** Differences that are told one by one; the rest are counted. */
const MAX_TOLD = 20;

/** Compares the hashes that a recording has with those that its playback gives, in whatever order both come. */
export class HashComparison {
  /** Hashes that were recorded and came again. */
  same = 0;
  /** Hashes that were recorded, where another came. */
  different = 0;
  /** The first of the differences, a sentence each. */
  readonly sentences: string[] = [];
  readonly #recorded = new Map<string, string>();
  readonly #played = new Map<string, string>();

  recordedPicture(hash: PictureHash): void {
    this.#put(this.#recorded, this.#played, pictureName(hash), hash.sha256);
  }

  playedPicture(hash: PictureHash): void {
    this.#put(this.#played, this.#recorded, pictureName(hash), hash.sha256);
  }

  recordedMapped(hash: MappedHash): void {
    this.#put(this.#recorded, this.#played, mappedName(hash), hash.sha256);
  }

  playedMapped(hash: MappedHash): void {
    this.#put(this.#played, this.#recorded, mappedName(hash), hash.sha256);
  }

  /** What was recorded and did not come again, once all has come; in sentences, the first of them. */
  get missing(): string[] {
    return [...this.#recorded.keys()]
      .slice(0, MAX_TOLD)
      .map((name) => `${name} did not come again.`);
  }

  get missingCount(): number {
    return this.#recorded.size;
  }

  /** What came and has no recorded hash: a program that was cut off told of no more. */
  get unrecorded(): number {
    return this.#played.size;
  }

  #put(own: Map<string, string>, others: Map<string, string>, name: string, sha256: string): void {
    const other = others.get(name);
    if (other === undefined) {
      if (own.size >= MAX_UNPAIRED_HASHES) {
        throw new PlayerError(
          `Over ${MAX_UNPAIRED_HASHES} pictures and buffers are without a pair.`,
        );
      }
      own.set(name, sha256);
      return;
    }
    others.delete(name);
    if (other === sha256) {
      this.same++;
      return;
    }
    this.different++;
    if (this.sentences.length < MAX_TOLD) this.sentences.push(`${name} differs.`);
  }
}

function pictureName({ number, width, height, format }: PictureHash): string {
  return `Picture ${number} (${width} by ${height}, ${format})`;
}

function mappedName({ request, bytes }: MappedHash): string {
  return `The buffer that request ${request} read (${bytes} bytes)`;
}
