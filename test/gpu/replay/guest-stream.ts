import { Replayer } from "#server/replay/replayer.ts";
import { ReplyFrames } from "#server/replay/reply-frames.ts";
import type { PresentedPicture, SurfaceHost } from "#server/replay/surface-host.ts";
import { StagedPayload } from "#server/replay/staged-payload.ts";
import { DownFrame, FrameReader } from "#shared/wire/frames.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { ObjectMap } from "#shared/wire/gen/objects.ts";
import {
  writeAdapterRequestDevice,
  writeRequestAdapter,
  writeUseDevice,
} from "#shared/wire/gen/write-commands.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply, type Reply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";

type Kind = keyof ObjectMap;

/** An object of the guest: names itself on the wire. */
export type Ref<K extends Kind> = {
  readonly kind: (typeof ObjectKind)[K];
  readonly id: number;
  readonly generation: number;
};

/** Captures nothing: keeps what was presented, texture and all, for the test to look at. */
class KeptPictures implements SurfaceHost {
  readonly presented: PresentedPicture[] = [];
  readonly released: number[] = [];

  captureUsage(): number {
    return 1; // COPY_SRC
  }

  async present(picture: PresentedPicture): Promise<void> {
    this.presented.push(picture);
    await picture.device.queue.onSubmittedWorkDone();
  }

  release({ id }: { readonly id: number }): void {
    this.released.push(id);
  }
}

/** One connection of a guest without a guest library: the real encoder on one end, Dawn on the other. */
export class GuestStream implements Disposable {
  readonly writer = new Writer();
  readonly replies: Reply[] = [];
  readonly events: string[] = [];
  readonly pictures = new KeptPictures();
  readonly replayer: Replayer;
  readonly #ids = new Map<Kind, number>();
  readonly #waiting = new Map<(reply: Reply) => boolean, (reply: Reply) => void>();
  readonly #frames = new FrameReader();
  readonly #payload = new StagedPayload();
  readonly #replyFrames = new ReplyFrames((bytes) => this.#receive(bytes));
  #generation = 0;
  #request = 0;

  constructor(gpu: GPU) {
    this.replayer = new Replayer(gpu, {
      connection: 7,
      surfaces: this.pictures,
      reply: (reply) => {
        this.#replyFrames.write(reply);
        this.#replyFrames.flush();
      },
      onAnimation: (running) => this.events.push(`animation ${running}`),
      onEndFrame: (tick, finished) => {
        this.events.push(`received ${tick}`);
        void finished.then(() => this.events.push(`finished ${tick}`));
      },
    });
  }

  /** A handle for the next object of a kind. */
  make<K extends Kind>(kind: K): Ref<K> {
    const id = (this.#ids.get(kind) ?? 0) + 1;
    this.#ids.set(kind, id);
    return { kind: ObjectKind[kind], id, generation: ++this.#generation };
  }

  /** Frees the id of the newest object of a kind, as a guest does when it released it. */
  forget(kind: Kind): void {
    this.#ids.set(kind, this.#ids.get(kind)! - 1);
  }

  request(): number {
    return ++this.#request;
  }

  /** Replays what was written. */
  async send(): Promise<void> {
    await this.replayer.execute(this.writer.take());
  }

  /** Stages a payload, in chunks of an odd size. */
  stage(bytes: Uint8Array): void {
    this.replayer.beginPayload(bytes.length);
    for (let at = 0; at < bytes.length; at += 100_003) {
      this.replayer.payloadChunk(bytes.subarray(at, at + 100_003));
    }
  }

  /** Sends what was written, a request by `write` last, and waits for its reply. */
  async ask(write: (request: number) => void): Promise<Reply> {
    const request = this.request();
    write(request);
    const reply = this.reply((each) => "request" in each && each.request === request);
    await this.send();
    return reply;
  }

  /** The first reply that fits, come or to come. */
  reply(fits: (reply: Reply) => boolean): Promise<Reply> {
    const come = this.replies.find(fits);
    if (come !== undefined) return Promise.resolve(come);
    return new Promise((resolve) => this.#waiting.set(fits, resolve));
  }

  /** Makes a device and makes it current. */
  async device(): Promise<Ref<"GPUDevice">> {
    const adapter = this.make("GPUAdapter");
    const device = this.make("GPUDevice");
    writeRequestAdapter(this.writer, this.request(), adapter, {});
    const reply = await this.ask((request) => {
      writeAdapterRequestDevice(this.writer, request, adapter, device, {});
      writeUseDevice(this.writer, device);
    });
    if (reply.kind !== "device") throw new Error(`There is no device: ${JSON.stringify(reply)}`);
    return device;
  }

  [Symbol.dispose](): void {
    this.replayer.close();
  }

  #receive(bytes: Uint8Array): void {
    for (const { kind, payload } of this.#frames.push(bytes)) {
      if (kind === DownFrame.payloadBegin) {
        const view = new DataView(payload.buffer, payload.byteOffset);
        this.#payload.begin(view.getFloat64(0, true));
      } else if (kind === DownFrame.payloadChunk) {
        this.#payload.chunk(payload);
      } else if (kind === DownFrame.replies) {
        const reader = new Reader(payload);
        const source = { takePayload: (length: number) => this.#payload.take(length) };
        while (reader.remaining > 0) this.#take(readReply(reader, source));
      } else {
        throw new Error(`Replay sent a frame of kind ${kind}.`);
      }
    }
  }

  #take(reply: Reply): void {
    const kept = reply.kind === "mapped" ? { ...reply, data: reply.data.slice() } : reply;
    this.replies.push(kept);
    for (const [fits, resolve] of this.#waiting) {
      if (!fits(kept)) continue;
      this.#waiting.delete(fits);
      resolve(kept);
    }
  }
}
