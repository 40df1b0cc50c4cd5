import { ProtocolError } from "./errors.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

// A connection is two byte streams of frames. A frame is a header and a payload:
//
//   u32le payload length | u8 kind | payload
//
// Frames to the worker travel as opaque bytes through relay and gateway, in chunks of any size.
// A frame to the program travels as one WebSocket message, so the gateway can put its own between.

export const FRAME_HEADER_BYTES = 5;

/** Frames from a program to its GPU worker. Numbers are for ever. */
export const UpFrame = {
  /** The first frame of a connection: see handshake.ts. */
  hello: 1,
  /** A batch of whole commands. */
  commands: 2,
  /** f64le total: opens the staged payload; its chunks follow before any command that takes it. */
  payloadBegin: 3,
  /** The next bytes of the staged payload. */
  payloadChunk: 4,
  /** The staged payload is itself a batch of commands (for a command larger than a frame). */
  stagedCommands: 5,
} as const;

/** Frames to a program. 16 to 31 come from the worker, 32 to 47 from the gateway or relay. */
export const DownFrame = {
  /** The answer to hello: see handshake.ts. */
  welcome: 16,
  /** UTF-8 sentence: the worker ends the connection. */
  refused: 17,
  /** A batch of replies and events. */
  replies: 18,
  /** f64le total: opens the payload that a later reply takes. */
  payloadBegin: 19,
  payloadChunk: 20,
  /** u32le tick number: the program may draw a frame. */
  tick: 32,
  /** One input event: see shared/input. */
  input: 33,
  /** u16le width, u16le height in device pixels, f32le device pixel ratio: the operator's wish. */
  resize: 34,
  /** UTF-8 sentence: the gateway or relay ends the connection. */
  goodbye: 35,
} as const;

export const FIRST_GATEWAY_FRAME = 32;

export type Frame = { readonly kind: number; readonly payload: Uint8Array };

export function frame(kind: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(bytes, 0, kind, payload.length);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

export function writeFrameHeader(
  bytes: Uint8Array,
  at: number,
  kind: number,
  payloadLength: number,
): void {
  bytes[at] = payloadLength;
  bytes[at + 1] = payloadLength >>> 8;
  bytes[at + 2] = payloadLength >>> 16;
  bytes[at + 3] = payloadLength >>> 24;
  bytes[at + 4] = kind;
}

/**
 * Cuts a byte stream into frames. Holds at most one unfinished frame, so at most MAX_FRAME_BYTES.
 * A payload is a view of the pushed chunk where the chunk holds the whole frame: valid only until
 * the next step of the iteration.
 */
export class FrameReader {
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  readonly #view = new DataView(this.#header.buffer);
  #headerFilled = 0;
  #payload: Uint8Array | undefined;
  #filled = 0;

  *push(chunk: Uint8Array): Generator<Frame> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerFilled < FRAME_HEADER_BYTES) {
        const count = Math.min(FRAME_HEADER_BYTES - this.#headerFilled, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + count), this.#headerFilled);
        this.#headerFilled += count;
        at += count;
        if (this.#headerFilled < FRAME_HEADER_BYTES) return;
      }
      const length = this.#view.getUint32(0, true);
      const kind = this.#view.getUint8(4);
      if (length > MAX_FRAME_BYTES) {
        throw new ProtocolError(
          `A frame's payload (${length} bytes) is over the limit (${MAX_FRAME_BYTES}).`,
        );
      }
      if (this.#payload === undefined && chunk.length - at >= length) {
        const payload = chunk.subarray(at, at + length);
        at += length;
        this.#headerFilled = 0;
        yield { kind, payload };
        continue;
      }
      this.#payload ??= new Uint8Array(length);
      const count = Math.min(length - this.#filled, chunk.length - at);
      this.#payload.set(chunk.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < length) return;
      const payload = this.#payload;
      this.#payload = undefined;
      this.#filled = 0;
      this.#headerFilled = 0;
      yield { kind, payload };
    }
  }
}
