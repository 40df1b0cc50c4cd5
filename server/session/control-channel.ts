import type { Socket } from "node:net";
import { ProtocolError } from "#shared/wire/errors.ts";
import { ControlReader, encodeControl } from "#server/worker/control-frames.ts";
import { ToGateway, type ToWorker } from "#server/worker/messages.ts";

/**
 * Control messages a second. Bounds the time that a worker which its guest took over costs the
 * gateway; 64 programs at 120 frames a second send 15,360.
 */
export const MAX_CONTROL_MESSAGES_PER_SECOND = 20_000;

/** What may wait to be read by a worker that reads nothing. Bounds the gateway's memory for it. */
export const MAX_UNREAD_CONTROL_BYTES = 1 << 20;

/** Cuts and checks what one worker says. After it threw, the worker can't be trusted further. */
export class WorkerMessages {
  readonly #reader = new ControlReader();
  readonly #now: () => number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #inWindow = 0;

  /** `now` is in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Throws an Error whose message is a sentence about the worker. */
  *push(chunk: Uint8Array): Generator<ToGateway> {
    for (const value of this.#reader.push(chunk)) {
      this.#count();
      const parsed = ToGateway.safeParse(value);
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

  #count(): void {
    const now = this.#now();
    if (now - this.#windowStart >= 1000) {
      this.#windowStart = now;
      this.#inWindow = 0;
    }
    this.#inWindow++;
    if (this.#inWindow > MAX_CONTROL_MESSAGES_PER_SECOND) {
      throw new ProtocolError(
        `More than ${MAX_CONTROL_MESSAGES_PER_SECOND} control messages came within a second.`,
      );
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
