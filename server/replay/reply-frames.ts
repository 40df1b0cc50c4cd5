import { DownFrame, frame, FRAME_HEADER_BYTES, writeFrameHeader } from "#shared/wire/frames.ts";
import { MAX_INLINE_BYTES, PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";
import { writeReply, type OutgoingReply, type Reply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";

/** Replies gather up to this many bytes in one frame. */
const BATCH_BYTES = 16 * 1024;

/** Makes frames of replies: small ones together, bulk data ahead of the reply that takes it. */
export class ReplyFrames {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #writer = new Writer();

  /** `send` takes the bytes of whole frames, or of a frame's parts in order, and keeps them. */
  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** Takes ownership of the reply's data. The reply leaves with the next flush() at the latest. */
  write(reply: Reply): void {
    if (reply.kind === "mapped" && reply.data.length > MAX_INLINE_BYTES) {
      this.#sendPayload(reply.data);
      this.#write({ ...reply, data: { stagedLength: reply.data.length } });
      // The next payload may not begin before this one is taken.
      this.flush();
    } else {
      this.#write(reply);
    }
  }

  /** Sends what was written. */
  flush(): void {
    if (this.#writer.length > 0) this.#send(frame(DownFrame.replies, this.#writer.take()));
  }

  #write(reply: OutgoingReply): void {
    writeReply(this.#writer, reply);
    if (this.#writer.length >= BATCH_BYTES) this.flush();
  }

  #sendPayload(data: Uint8Array): void {
    this.flush();
    const total = new Uint8Array(8);
    new DataView(total.buffer).setFloat64(0, data.length, true);
    this.#send(frame(DownFrame.payloadBegin, total));
    for (let at = 0; at < data.length; at += PAYLOAD_CHUNK_BYTES) {
      const chunk = data.subarray(at, at + PAYLOAD_CHUNK_BYTES);
      const header = new Uint8Array(FRAME_HEADER_BYTES);
      writeFrameHeader(header, 0, DownFrame.payloadChunk, chunk.length);
      this.#send(header);
      this.#send(chunk); // Not copied: the data is the reply's own.
    }
  }
}
