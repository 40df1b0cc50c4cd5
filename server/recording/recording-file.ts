import type { WriteStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import {
  encodePreamble,
  encodeRecordHeader,
  MAX_RECORD_BYTES,
  type MappedHash,
  type PictureHash,
  RECORD_HEADER_BYTES,
  type RecordingEnd,
  type RecordingHeader,
  RecordKind,
} from "./format.ts";

/** What may wait for the disk. Bounds the gateway's memory for a program that sends faster than the disk takes. */
export const MAX_UNWRITTEN_BYTES = 32 * 1024 * 1024;

/** Kept free for the last record, which says why it is the last. */
const END_BYTES = 1024;

export type RecordingFileOptions = {
  /** Made anew, for its owner only. */
  readonly path: string;
  readonly header: RecordingHeader;
  /** The file never becomes longer. */
  readonly maxBytes: number;
  /** Told once: with the last record when it is written, or with what keeps the file from growing. */
  readonly ended: (end: RecordingEnd | Error) => void;
};

/**
 * One recording as it grows. It is only appended to, so that a crash costs no more than its tail; and it never holds
 * anybody up: what can't be kept ends it.
 */
export class RecordingFile {
  readonly path: string;
  readonly #stream: WriteStream;
  readonly #maxBytes: number;
  readonly #tell: (end: RecordingEnd | Error) => void;
  readonly #began = performance.now();
  #bytes = 0;
  #isEnded = false;
  #isTold = false;

  private constructor(
    stream: WriteStream,
    { path, header, maxBytes, ended }: RecordingFileOptions,
  ) {
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#tell = ended;
    this.#stream = stream;
    // Also amid the last record: a disk that is full takes a part of it, or the part before.
    this.#stream.on("error", (cause) => {
      this.#isEnded = true;
      this.#ended(new Error(`The recording can't be written: ${cause.message}.`, { cause }));
    });
    this.#write(encodePreamble(header));
  }

  /** Throws where the file is there already, or can't be. */
  static async create(options: RecordingFileOptions): Promise<RecordingFile> {
    return RecordingFile.to(await open(options.path, "wx", 0o600), options);
  }

  /** To a file that is open, of which it becomes the owner. */
  static to(file: FileHandle, options: RecordingFileOptions): RecordingFile {
    return new RecordingFile(file.createWriteStream(), options);
  }

  /** Bytes from the program. They must stay as they are. */
  up(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_RECORD_BYTES) {
      this.#append(RecordKind.up, bytes.subarray(at, at + MAX_RECORD_BYTES));
    }
  }

  picture(hash: PictureHash): void {
    this.#append(RecordKind.picture, Buffer.from(JSON.stringify(hash)));
  }

  mapped(hash: MappedHash): void {
    this.#append(RecordKind.mapped, Buffer.from(JSON.stringify(hash)));
  }

  /** The connection ended; the reason is a sentence. Idempotent. */
  end(reason: string): void {
    // Of a reason that quotes the program, so much as has room.
    this.#end({ why: "ended", sentence: reason.slice(0, END_BYTES / 8) });
  }

  #append(kind: number, payload: Uint8Array): void {
    if (this.#isEnded) return;
    const length = RECORD_HEADER_BYTES + payload.length;
    if (this.#bytes + length + END_BYTES > this.#maxBytes) {
      this.#end({
        why: "full",
        sentence: `The recording is as long as it may be (${this.#maxBytes} bytes); its program went on.`,
      });
      return;
    }
    if (this.#stream.writableLength + length > MAX_UNWRITTEN_BYTES) {
      this.#end({
        why: "behind",
        sentence: `The disk is slower than the program: ${this.#stream.writableLength} bytes waited.`,
      });
      return;
    }
    this.#write(encodeRecordHeader(kind, this.#now, payload.length));
    this.#write(payload);
  }

  #end(end: RecordingEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const payload = Buffer.from(JSON.stringify(end));
    this.#write(encodeRecordHeader(RecordKind.end, this.#now, payload.length));
    this.#write(payload);
    this.#stream.once("close", () => this.#ended(end)); // After an error, where there is one.
    this.#stream.end();
  }

  #ended(end: RecordingEnd | Error): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#tell(end);
  }

  #write(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#stream.write(bytes);
  }

  /** Microseconds since the recording began. */
  get #now(): number {
    return (performance.now() - this.#began) * 1000;
  }
}
