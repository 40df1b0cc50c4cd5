import { ProtocolError } from "#shared/wire/errors.ts";

/**
 * What keeping one chunk costs besides its bytes: the array over them, and its place. Counted, so that a
 * stream of tiny chunks can't cost many times the limit.
 */
export const CHUNK_COST_BYTES = 128;

/**
 * One direction of a resumable link at its sender: the bytes that the other side has not acknowledged, and
 * how far they were sent. Offsets count from the link's beginning: acknowledged <= sent <= end.
 */
export class SendBuffer {
  #chunks: Uint8Array[] = [];
  /** Where the first of them begins. */
  #start = 0;
  #acknowledged = 0;
  #sent = 0;
  #end = 0;
  /** Of the next byte to send: its chunk, and its place in it. */
  #next = { chunk: 0, at: 0 };

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get sent(): number {
    return this.#sent;
  }

  get end(): number {
    return this.#end;
  }

  /** Bytes of memory that the kept chunks take. */
  get cost(): number {
    return this.#end - this.#start + this.#chunks.length * CHUNK_COST_BYTES;
  }

  /** Owns the chunk. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#end += chunk.length;
  }

  /** The next bytes to send: a chunk, or the beginning of one; undefined where there are none or no room. */
  next(room: number): Uint8Array | undefined {
    const chunk = this.#chunks[this.#next.chunk];
    if (chunk === undefined || room <= 0) return undefined;
    const { at } = this.#next;
    const bytes = chunk.subarray(at, at + room);
    this.#sent += bytes.length;
    this.#next.at += bytes.length;
    if (this.#next.at === chunk.length) this.#next = { chunk: this.#next.chunk + 1, at: 0 };
    return bytes;
  }

  /** The other side has all before `count`. Throws ProtocolError where that can't be. */
  acknowledge(count: number): void {
    this.#check(count);
    this.#acknowledged = count;
    let done = 0;
    while (done < this.#next.chunk && this.#start + this.#chunks[done]!.length <= count) {
      this.#start += this.#chunks[done]!.length;
      done++;
    }
    if (done === 0) return;
    this.#chunks.splice(0, done);
    this.#next.chunk -= done;
  }

  /** Whether sending can go on from here: it was sent, and is kept. */
  holds(offset: number): boolean {
    return offset >= this.#acknowledged && offset <= this.#sent;
  }

  /** Sends again from `offset`, which is what the other side has. Throws ProtocolError where it can't be. */
  rewind(offset: number): void {
    this.#check(offset);
    this.#sent = offset;
    let chunk = 0;
    let at = offset - this.#start;
    while (chunk < this.#chunks.length && at >= this.#chunks[chunk]!.length) {
      at -= this.#chunks[chunk]!.length;
      chunk++;
    }
    this.#next = { chunk, at };
  }

  #check(offset: number): void {
    if (this.holds(offset)) return;
    throw new ProtocolError(
      `The other side speaks of byte ${offset}; kept are those from ${this.#acknowledged}, ` +
        `and sent those up to ${this.#sent}.`,
    );
  }
}
