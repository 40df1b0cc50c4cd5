import type { Transport } from "#client/guest/transport.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { ReplyFrames } from "#server/replay/reply-frames.ts";
import { Replayer } from "#server/replay/replayer.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import type { PresentedPicture, SurfaceHost } from "#server/replay/surface-host.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { DownFrame, type Frame, FrameReader, frame, UpFrame } from "#shared/wire/frames.ts";
import { readHello, writeWelcome } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";
import { Writer } from "#shared/wire/writer.ts";

/** A GPU worker at the other end of a pipe in memory: its replay, without its process. */
export class InProcessWorker implements Disposable {
  readonly transport: Transport;
  /** Ticks that endFrame answered. */
  readonly endedTicks: number[] = [];
  readonly animation: boolean[] = [];
  /** Called with each presented picture, whose texture is destroyed after. */
  onPresent: (picture: PresentedPicture) => Promise<void> = async () => {};
  readonly #replayer: Replayer;
  readonly #replies: ReplyFrames;
  readonly #gpu: GPU;
  #toGuest: (bytes: Uint8Array) => void = () => {};
  #closeGuest: (sentence?: string) => void = () => {};
  #isFlushDue = false;
  #work = Promise.resolve();

  /** `budget` is the session's, which its connections share. */
  constructor(gpu: GPU, budget = new SessionBudget(DEFAULT_BOUNDS)) {
    this.#gpu = gpu;
    this.#replies = new ReplyFrames((bytes) => this.#send(bytes));
    const surfaces: SurfaceHost = {
      captureUsage: () => 0x01,
      present: async (picture) => {
        await this.onPresent(picture);
        picture.destroy();
      },
      release: () => {},
    };
    this.#replayer = new Replayer(gpu, {
      connection: 1,
      surfaces,
      budget,
      reply: (reply) => {
        this.#replies.write(reply);
        if (this.#isFlushDue) return;
        this.#isFlushDue = true;
        queueMicrotask(() => {
          this.#isFlushDue = false;
          this.#replies.flush();
        });
      },
      submit: (_queue, run) => {
        run();
        return undefined;
      },
      onAnimation: (running) => void this.animation.push(running),
      onEndFrame: (tick) => void this.endedTicks.push(tick),
    });
    const frames = new FrameReader();
    this.transport = {
      send: (bytes) => {
        // As a socket does: later, and in order.
        this.#work = this.#receive(this.#work, frames, bytes);
      },
      onData: (callback) => {
        this.#toGuest = callback;
      },
      onClose: (callback) => {
        this.#closeGuest = callback;
      },
      close: () => this.#replayer.close(),
    };
  }

  tick(number: number): void {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, number, true);
    this.#send(frame(DownFrame.tick, payload));
  }

  [Symbol.dispose](): void {
    this.#replayer.close();
  }

  async #receive(earlier: Promise<void>, frames: FrameReader, bytes: Uint8Array): Promise<void> {
    await earlier;
    try {
      for (const each of frames.push(bytes)) await this.#take(each);
    } catch (error) {
      this.#closeGuest(error instanceof ProtocolError ? error.message : String(error));
    }
  }

  #send(bytes: Uint8Array): void {
    this.#toGuest(bytes);
  }

  async #take({ kind, payload }: Frame): Promise<void> {
    switch (kind) {
      case UpFrame.hello: {
        readHello(new Reader(payload));
        const writer = new Writer();
        writeWelcome(writer, {
          wgslLanguageFeatures: [...this.#gpu.wgslLanguageFeatures],
          preferredCanvasFormat: "bgra8unorm",
          connection: 1,
        });
        this.#send(frame(DownFrame.welcome, writer.view()));
        return;
      }
      case UpFrame.commands:
        return this.#replayer.execute(payload);
      case UpFrame.stagedCommands:
        return this.#replayer.executeStaged();
      case UpFrame.payloadBegin:
        return this.#replayer.beginPayload(
          new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true),
        );
      case UpFrame.payloadChunk:
        return this.#replayer.payloadChunk(payload);
      default:
        throw new ProtocolError(`A frame has the kind ${kind}.`);
    }
  }
}
