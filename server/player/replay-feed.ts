import type { Replayer } from "#server/replay/replayer.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { type Frame, FrameReader, UpFrame } from "#shared/wire/frames.ts";
import { readHello } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";

/** Feeds a connection's up bytes to a replayer, which it owns. */
export class ReplayFeed implements Disposable {
  readonly replayer: Replayer;
  readonly #frames = new FrameReader();
  #isGreeted = false;

  constructor(replayer: Replayer) {
    this.replayer = replayer;
  }

  /** Replays what is whole by now. `worked` is called where it waits for Dawn. Throws ProtocolError. */
  async push(bytes: Uint8Array, worked: () => void): Promise<void> {
    for (const each of this.#frames.push(bytes)) {
      const paused = this.#take(each);
      if (paused === undefined) continue;
      worked();
      await paused;
    }
  }

  [Symbol.dispose](): void {
    this.replayer.close();
  }

  #take({ kind, payload }: Frame): Promise<void> | undefined {
    if (!this.#isGreeted) {
      if (kind !== UpFrame.hello) {
        throw new ProtocolError(`The stream begins with a frame of kind ${kind}, not a hello.`);
      }
      readHello(new Reader(payload));
      this.#isGreeted = true;
      return undefined;
    }
    switch (kind) {
      case UpFrame.commands:
        return this.replayer.execute(payload);
      case UpFrame.stagedCommands:
        return this.replayer.executeStaged();
      case UpFrame.payloadBegin:
        if (payload.length !== 8) {
          throw new ProtocolError(`A payload's length comes in ${payload.length} bytes, not 8.`);
        }
        this.replayer.beginPayload(
          new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true),
        );
        return undefined;
      case UpFrame.payloadChunk:
        this.replayer.payloadChunk(payload);
        return undefined;
      default:
        throw new ProtocolError(`A frame of kind ${kind} came, which no program sends here.`);
    }
  }
}
