import type { Socket } from "node:net";
import { TokenBucket } from "#shared/base/token-bucket.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { ControlReader, encodeControl } from "#server/worker/control-frames.ts";
import { FromWorker, type ToWorker } from "#server/worker/messages.ts";

/**
 * Control messages a second. Bounds the time that a worker which its guest took over costs the
 * gateway; 64 programs at 120 frames a second send 15,360.
 */
export const MAX_CONTROL_MESSAGES_PER_SECOND = 20_000;

/** Bytes of control messages a second. Bounds the same for messages that are long; those 15,360 take 1 MiB. */
export const MAX_CONTROL_BYTES_PER_SECOND = 4 * 1024 * 1024;

/** What may wait to be read by a worker that reads nothing. Bounds the gateway's memory for it. */
export const MAX_UNREAD_CONTROL_BYTES = 1 << 20;

/** Cuts and checks what one worker says. After it threw, the worker can't be trusted further. */
export class WorkerMessages {
  readonly #reader = new ControlReader();
  readonly #now: () => number;
  readonly #messageRate = new TokenBucket(
    MAX_CONTROL_MESSAGES_PER_SECOND,
    MAX_CONTROL_MESSAGES_PER_SECOND,
  );
  readonly #byteRate = new TokenBucket(MAX_CONTROL_BYTES_PER_SECOND, MAX_CONTROL_BYTES_PER_SECOND);

  /** `now` is in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Throws an Error whose message is a sentence about the worker. */
  *push(chunk: Uint8Array): Generator<FromWorker> {
    if (!this.#byteRate.take(this.#now(), chunk.length)) {
      throw new ProtocolError(
        `More than ${MAX_CONTROL_BYTES_PER_SECOND} bytes of control messages came within a second.`,
      );
    }
    for (const value of this.#reader.push(chunk)) {
      if (!this.#messageRate.take(this.#now())) {
        throw new ProtocolError(
          `More than ${MAX_CONTROL_MESSAGES_PER_SECOND} control messages came within a second.`,
        );
      }
      const parsed = FromWorker.safeParse(value);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        throw new ProtocolError(
          `A control message is none of those known: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}.`,
          { cause: parsed.error },
        );
      }
      yield parsed.data;
    }
  }
}

/** Throws ProtocolError when the worker has stopped reading: it hangs. */
export function sendControl(
  socket: Pick<Socket, "writableLength" | "write">,
  message: ToWorker,
): void {
  if (socket.writableLength > MAX_UNREAD_CONTROL_BYTES) {
    throw new ProtocolError(
      `The worker left ${socket.writableLength} bytes of control messages unread.`,
    );
  }
  socket.write(encodeControl(message));
}
