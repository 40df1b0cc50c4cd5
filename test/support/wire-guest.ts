import { Ledger } from "#server/replay/memory-ledger.ts";
import { StagedPayload } from "#server/replay/staged-payload.ts";
import { DownFrame, FrameReader } from "#shared/wire/frames.ts";
import { readWelcome, type Welcome } from "#shared/wire/handshake.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { ObjectMap } from "#shared/wire/gen/objects.ts";
import {
  writeAdapterRequestDevice,
  writeRequestAdapter,
  writeUseDevice,
} from "#shared/wire/gen/write-commands.ts";
import { MAX_PAYLOAD_BYTES } from "#shared/wire/limits.ts";
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

/** One connection of a guest without a guest library: the real encoder, and handles made by hand. */
export abstract class WireGuest {
  readonly writer = new Writer();
  readonly replies: Reply[] = [];
  /** Sentences with which the worker ended the connection. */
  readonly refusals: string[] = [];
  readonly #welcome = Promise.withResolvers<Welcome>();
  readonly #ids = new Map<Kind, number>();
  readonly #waiting = new Map<(reply: Reply) => boolean, (reply: Reply) => void>();
  readonly #frames = new FrameReader();
  readonly #payload = new StagedPayload(new Ledger(MAX_PAYLOAD_BYTES));
  #generation = 0;
  #request = 0;

  /** Sends what was written, as one batch of commands. */
  abstract send(): Promise<void>;

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

  /** The worker's answer to a hello. */
  get welcome(): Promise<Welcome> {
    return this.#welcome.promise;
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

  /** Takes the bytes of down frames. */
  protected receive(bytes: Uint8Array): void {
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
      } else if (kind === DownFrame.welcome) {
        this.#welcome.resolve(readWelcome(new Reader(payload)));
      } else if (kind === DownFrame.refused) {
        this.refusals.push(Buffer.from(payload).toString());
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
