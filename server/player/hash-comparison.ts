import { PlayerError } from "./player-error.ts";
import type { MappedHash, PictureHash } from "#server/recording/format.ts";

/** Hashes that are waited for. Bounds the memory that a recording takes of its player. */
export const MAX_UNPAIRED_HASHES = 1_000_000;

/** Differences that are told one by one; the rest are counted. */
const MAX_TOLD = 20;

/** In hexadecimal. */
const SHA256_CHARACTERS = 64;

/** Compares the hashes that a recording has with those that its playback gives, in whatever order both come. */
export class HashComparison {
  /** Hashes that were recorded and came again. */
  same = 0;
  /** Hashes that were recorded, where another came. */
  different = 0;
  /** The first of the differences, a sentence each. */
  readonly sentences: string[] = [];
  readonly #recorded = new UnpairedHashes();
  readonly #played = new UnpairedHashes();

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
    return this.#recorded.names(MAX_TOLD).map((name) => `${name} did not come again.`);
  }

  get missingCount(): number {
    return this.#recorded.count;
  }

  /** What came and has no recorded hash: a program that was cut off told of no more. */
  get unrecorded(): number {
    return this.#played.count;
  }

  #put(own: UnpairedHashes, others: UnpairedHashes, name: string, sha256: string): void {
    const other = others.takeOldest(name);
    if (other === undefined) {
      own.add(name, sha256);
      return;
    }
    if (other === sha256) {
      this.same++;
      return;
    }
    this.different++;
    if (this.sentences.length < MAX_TOLD) this.sentences.push(`${name} differs.`);
  }
}

/** Hashes of one side that wait for the other's. */
class UnpairedHashes {
  count = 0;
  /** Of each name one after the other: a program may use a request's number again once it is answered. */
  readonly #hashes = new Map<string, string>();

  names(most: number): string[] {
    return [...this.#hashes.keys()].slice(0, most);
  }

  /** Throws PlayerError over the limit. */
  add(name: string, sha256: string): void {
    if (this.count >= MAX_UNPAIRED_HASHES) {
      throw new PlayerError(`Over ${MAX_UNPAIRED_HASHES} pictures and buffers are without a pair.`);
    }
    this.#hashes.set(name, (this.#hashes.get(name) ?? "") + sha256);
    this.count++;
  }

  takeOldest(name: string): string | undefined {
    const hashes = this.#hashes.get(name);
    if (hashes === undefined) return undefined;
    const rest = hashes.slice(SHA256_CHARACTERS);
    if (rest === "") this.#hashes.delete(name);
    else this.#hashes.set(name, rest);
    this.count--;
    return hashes.slice(0, SHA256_CHARACTERS);
  }
}

function pictureName({ number, width, height, format }: PictureHash): string {
  return `Picture ${number} (${width} by ${height}, ${format})`;
}

function mappedName({ request, bytes }: MappedHash): string {
  return `The buffer that request ${request} read (${bytes} bytes)`;
}
