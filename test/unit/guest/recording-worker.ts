import { connectGuest, type Guest } from "#client/guest/index.ts";
import type { Transport } from "#client/guest/transport.ts";
import type { CommandSink } from "#shared/wire/gen/command-sink.ts";
import { decodeCommands } from "#shared/wire/gen/decode-commands.ts";
import { ObjectKind, Opcode } from "#shared/wire/gen/numbers.ts";
import type { ObjectMap, ObjectResolver } from "#shared/wire/gen/objects.ts";
import { DownFrame, type Frame, FrameReader, frame, UpFrame } from "#shared/wire/frames.ts";
import { type Hello, readHello, writeWelcome } from "#shared/wire/handshake.ts";
import { Reader } from "#shared/wire/reader.ts";
import { type OutgoingReply, writeReply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";

export type Command = { readonly name: string; readonly arguments: readonly unknown[] };

const LIMITS = {
  maxBufferSize: 1 << 28,
  maxBindGroups: 4,
  maxTextureDimension2D: 8192,
  minUniformBufferOffsetAlignment: 256,
};

const INFO = {
  vendor: "test",
  architecture: "",
  device: "",
  description: "A worker in a test",
  subgroupMinSize: 4,
  subgroupMaxSize: 128,
  isFallbackAdapter: true,
};

/** A worker that keeps the commands that it is sent, as decoded, and answers only adapters and devices. */
export class RecordingWorker {
  readonly transport: Transport;
  readonly guest: Guest;
  readonly commands: Command[] = [];
  /** The kinds of the frames that came, in order. */
  readonly frames: number[] = [];
  readonly sentences: string[] = [];
  hello: Hello | undefined;
  isClosed = false;
  /** Answers a request at once, or leaves it open. */
  answer: (command: Command) => OutgoingReply | undefined = answerDevices;
  /** What the hello is answered with instead of a welcome. */
  refusal: string | undefined;
  #toGuest: (bytes: Uint8Array) => void = () => {};
  #closeGuest: (sentence?: string) => void = () => {};
  #payload = new Uint8Array(0);
  #filled = 0;

  constructor() {
    const frames = new FrameReader();
    this.transport = {
      send: (bytes) => {
        for (const each of frames.push(bytes)) this.#take(each);
      },
      onData: (callback) => {
        this.#toGuest = callback;
      },
      onClose: (callback) => {
        this.#closeGuest = callback;
      },
      close: () => {
        this.isClosed = true;
      },
    };
    this.guest = connectGuest({
      connect: () => this.transport,
      client: "a test",
      report: (sentence) => void this.sentences.push(sentence),
    });
  }

  async device(descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> {
    const adapter = await this.guest.gpu.requestAdapter();
    return adapter!.requestDevice(descriptor);
  }

  /** The commands that came since the last call, without those that make an object current. */
  take(): Command[] {
    return this.commands.splice(0).filter(({ name }) => !name.startsWith("use"));
  }

  names(): string[] {
    return this.take().map(({ name }) => name);
  }

  /** The numbers of the requests of this name that came since the last call of take(). */
  requests(name: string): number[] {
    const commands = this.take().filter((command) => command.name === name);
    return commands.map(({ arguments: [request] }) => Number(request));
  }

  send(kind: number, payload: Uint8Array): void {
    this.#toGuest(frame(kind, payload));
  }

  reply(reply: OutgoingReply): void {
    const writer = new Writer();
    writeReply(writer, reply);
    this.send(DownFrame.replies, writer.view());
  }

  tick(number: number): void {
    const payload = new Uint8Array(4);
    new DataView(payload.buffer).setUint32(0, number, true);
    this.send(DownFrame.tick, payload);
  }

  /** The connection breaks. */
  break(sentence?: string): void {
    this.#closeGuest(sentence);
  }

  takePayload(length: number): Uint8Array {
    if (this.#payload.length !== length || this.#filled !== length) {
      throw new Error(`A payload of ${length} bytes is taken, not ${this.#payload.length}.`);
    }
    const payload = this.#payload;
    this.#payload = new Uint8Array(0);
    return payload;
  }

  #take({ kind, payload }: Frame): void {
    this.frames.push(kind);
    switch (kind) {
      case UpFrame.hello:
        this.hello = readHello(new Reader(payload));
        this.#welcome();
        break;
      case UpFrame.commands:
        this.#decode(payload);
        break;
      case UpFrame.stagedCommands:
        this.#decode(this.takePayload(this.#filled));
        break;
      case UpFrame.payloadBegin:
        if (this.#payload.length > 0) throw new Error("A payload begins before one was taken.");
        this.#payload = new Uint8Array(
          new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true),
        );
        this.#filled = 0;
        break;
      case UpFrame.payloadChunk:
        this.#payload.set(payload, this.#filled);
        this.#filled += payload.length;
        break;
      default:
        throw new Error(`A frame has the kind ${kind}.`);
    }
  }

  #welcome(): void {
    if (this.refusal !== undefined) {
      this.send(DownFrame.refused, new TextEncoder().encode(this.refusal));
      return;
    }
    const writer = new Writer();
    writeWelcome(writer, {
      wgslLanguageFeatures: ["packed_4x8_integer_dot_product"],
      preferredCanvasFormat: "rgba8unorm",
      connection: 7,
    });
    this.send(DownFrame.welcome, writer.view());
  }

  #decode(payload: Uint8Array): void {
    decodeCommands(new Reader(payload), resolver(this), this.#sink());
  }

  #sink(): CommandSink<ObjectMap> {
    const methods: unknown[][] = Object.keys(Opcode).map((name) => [
      name,
      (...values: unknown[]) => this.#record({ name, arguments: values.map(keep) }),
    ]);
    return Object.fromEntries(methods);
  }

  #record(command: Command): void {
    this.commands.push(command);
    const reply = this.answer(command);
    if (reply !== undefined) queueMicrotask(() => this.reply(reply));
  }
}

/** Objects are their ids. */
function resolver(worker: RecordingWorker): ObjectResolver<ObjectMap> {
  const answers: unknown[][] = Object.keys(ObjectKind).map((kind) => [kind, (id: number) => id]);
  return Object.fromEntries([
    ...answers,
    ["takePayload", (length: number) => worker.takePayload(length)],
  ]);
}

/** Data and offsets are the decoder's, and valid during the call only. */
function keep(value: unknown): unknown {
  return ArrayBuffer.isView(value) ? structuredClone(value) : value;
}

export function answerDevices({ name, arguments: [request] }: Command): OutgoingReply | undefined {
  if (typeof request !== "number") return undefined;
  if (name === "requestAdapter") {
    const adapter = {
      features: ["core-features-and-limits", "float32-filterable", "a-feature-of-tomorrow"],
      limits: LIMITS,
      info: INFO,
      wgslLanguageFeatures: [],
    };
    return { kind: "adapter", request, adapter };
  }
  if (name === "adapterRequestDevice") {
    return { kind: "device", request, features: ["core-features-and-limits"], limits: LIMITS };
  }
  return undefined;
}
