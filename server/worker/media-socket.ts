import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ProtocolError } from "#shared/wire/errors.ts";
import { ACCESS_UNIT_HEADER_BYTES, AccessUnitFlag, MediaRequest } from "#server/media/messages.ts";

/** What the media thread asks of the worker's encoder. */
export type MediaRequests = {
  keyFrame(): void;
  /** Bits a second. */
  bitrate(bitsPerSecond: number): void;
  /** The media thread took what was sent: canSend is true again. */
  drained(): void;
  /** The socket is gone, and with it the viewers: the error, or undefined when it was closed. */
  closed(error: Error | undefined): void;
};

export type SentAccessUnit = {
  /** H.264 Annex B. The socket's from now on. */
  readonly payload: Uint8Array;
  readonly isKeyFrame: boolean;
  readonly width: number;
  readonly height: number;
  /** When the frame's GPU work was done: microseconds of CLOCK_MONOTONIC. */
  readonly time: number;
};

/** The worker's end of the Unix socket to its session's media thread: see server/media/messages.ts. */
export class MediaSocket {
  readonly #socket: Socket;
  readonly #requests: MediaRequests;
  /** Bytes of a request that has not arrived whole. */
  #partial: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket, requests: MediaRequests) {
    this.#socket = socket;
    this.#requests = requests;
    let failure: Error | undefined;
    socket.on("data", (chunk) => {
      try {
        this.#read(chunk);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("drain", () => requests.drained());
    socket.on("error", (error) => (failure = error));
    socket.once("close", () => requests.closed(failure));
  }

  /** Dials the media thread and shows it the nonce by which it knows the session. Rejects when nobody listens. */
  static async connect(
    path: string,
    nonce: Uint8Array,
    requests: MediaRequests,
  ): Promise<MediaSocket> {
    const socket = connect(path);
    await once(socket, "connect");
    socket.write(nonce);
    return new MediaSocket(socket, requests);
  }

  /**
   * Whether the media thread has taken all before. An access unit that was encoded must be sent, since the next ones
   * refer to it: so ask first, then encode.
   */
  get canSend(): boolean {
    return !this.#socket.destroyed && this.#socket.writableLength === 0;
  }

  send({ payload, isKeyFrame, width, height, time }: SentAccessUnit): void {
    if (this.#socket.destroyed) return;
    const header = Buffer.allocUnsafe(ACCESS_UNIT_HEADER_BYTES);
    header.writeUInt32LE(payload.length, 0);
    header.writeUInt8(isKeyFrame ? AccessUnitFlag.keyFrame : 0, 4);
    header.writeUInt16LE(width, 5);
    header.writeUInt16LE(height, 7);
    header.writeDoubleLE(time, 9);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(payload);
    this.#socket.uncork();
  }

  /** What was sent still leaves. Harmless when repeated. */
  close(): void {
    this.#socket.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #read(chunk: Buffer): void {
    let bytes = this.#partial.length === 0 ? chunk : Buffer.concat([this.#partial, chunk]);
    while (bytes.length > 0) {
      const kind = bytes[0];
      if (kind === MediaRequest.keyFrame) {
        this.#requests.keyFrame();
        bytes = bytes.subarray(1);
      } else if (kind === MediaRequest.bitrate) {
        if (bytes.length < 5) break;
        this.#requests.bitrate(bytes.readUInt32LE(1));
        bytes = bytes.subarray(5);
      } else {
        throw new ProtocolError(`The media thread sent a request of no known kind (${kind}).`);
      }
    }
    this.#partial = bytes;
  }
}
