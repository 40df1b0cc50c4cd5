import { ProtocolError } from "#shared/wire/errors.ts";
import { DownFrame, type Frame, FrameReader, UpFrame, frame } from "#shared/wire/frames.ts";
import type { Handle } from "#shared/wire/handles.ts";
import { readWelcome, type Welcome, writeHello } from "#shared/wire/handshake.ts";
import { MAX_CLIENT_NAME_BYTES } from "#shared/wire/limits.ts";
import { truncateUtf8 } from "#shared/base/utf8.ts";
import { Reader } from "#shared/wire/reader.ts";
import { readReply, type Reply } from "#shared/wire/replies.ts";
import { Writer } from "#shared/wire/writer.ts";
import { turn } from "./after-task.ts";
import { IncomingPayload } from "./incoming-payload.ts";
import type { DeviceRecord } from "./records.ts";
import { Stream } from "./stream.ts";
import type { Transport } from "./transport.ts";

export type ConnectionOptions = {
  readonly connect: () => Transport | Promise<Transport>;
  readonly client?: string;
  readonly report: (sentence: string) => void;
};

/** Frames that the gateway puts between the worker's. */
type GatewayFrame = "tick" | "input" | "resize";

/**
 * One program's connection to its GPU worker. Opened when it is first needed; commands recorded
 * before the worker's welcome wait for it. When it ends, for whatever reason, every device is lost.
 */
export class Connection {
  readonly stream: Stream;
  /** Resolves with a sentence that says why it ended. */
  readonly closed: Promise<string>;
  /** Empty before the welcome. */
  readonly wgslLanguageFeatures = new Set<string>();
  preferredCanvasFormat: GPUTextureFormat = "bgra8unorm";
  /** Tells the program's owner something in a sentence. */
  readonly report: (sentence: string) => void;
  readonly #options: ConnectionOptions;
  readonly #reader = new FrameReader();
  readonly #payload = new IncomingPayload();
  readonly #requests = new Map<number, (reply: Reply | undefined) => void>();
  readonly #devices = new Map<number, WeakRef<DeviceRecord>>();
  readonly #listeners = new Map<GatewayFrame, (payload: Uint8Array) => void>();
  /** Frames recorded before the welcome; undefined after. */
  #waiting: Uint8Array[] | undefined = [];
  #opening: Promise<Welcome | undefined> | undefined;
  #welcomed: (welcome: Welcome | undefined) => void = () => {};
  #ended: (sentence: string) => void = () => {};
  #sentence: string | undefined;
  #transport: Transport | undefined;
  #lastRequest = 0;
  #holds = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.report = options.report;
    this.stream = new Stream((bytes) => this.#send(bytes));
    this.closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  /** Resolves once the worker has said welcome; with undefined where it will not. */
  open(): Promise<Welcome | undefined> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Ends it at the program's wish. Idempotent. */
  close(): void {
    this.stream.flush();
    this.#end("The program closed its connection.", false);
  }

  onFrame(kind: GatewayFrame, listener: (payload: Uint8Array) => void): void {
    this.#listeners.set(kind, listener);
  }

  /** The device gets its events until it is collected. */
  addDevice(device: DeviceRecord): void {
    this.#devices.set(device.id, new WeakRef(device));
    if (this.#sentence !== undefined) device.lose("unknown", this.#sentence);
  }

  /**
   * Records a command that the worker answers, and sends the batch. The device, if any, is made the
   * current one. Resolves with undefined where the connection ends first.
   */
  request(
    device: DeviceRecord | undefined,
    write: (writer: Writer, request: number) => void,
  ): Promise<Reply | undefined> {
    if (this.#sentence !== undefined) return noReply();
    this.#lastRequest = (this.#lastRequest + 1) >>> 0;
    const request = this.#lastRequest;
    return new Promise((resolve) => {
      if (device !== undefined) this.stream.useDevice(device);
      this.stream.record((writer) => write(writer, request)); // What it throws rejects the promise.
      this.#requests.set(request, resolve);
      this.stream.flush();
      this.#updateHold();
    });
  }

  /** request(), for a command that makes an object: the handle is released where it did not. */
  async requestObject(
    device: DeviceRecord | undefined,
    kind: number,
    write: (writer: Writer, request: number, handle: Handle) => void,
  ): Promise<{ readonly reply: Reply | undefined; readonly handle: Handle }> {
    const handle = this.stream.allocate(kind);
    let reply: Reply | undefined;
    try {
      reply = await this.request(device, (writer, request) => write(writer, request, handle));
    } catch (error) {
      this.stream.free(kind, handle);
      throw error;
    }
    const isMade = reply?.kind === "adapter" ? reply.adapter !== null : reply?.kind !== "rejected";
    if (!isMade) this.stream.releaseHandle(kind, handle);
    return { reply, handle };
  }

  /** Keeps the program from exiting until as many releases were called. */
  hold(): void {
    this.#holds++;
    this.#updateHold();
  }

  unhold(): void {
    this.#holds--;
    this.#updateHold();
  }

  #updateHold(): void {
    const isWaiting = this.#waiting !== undefined && this.#opening !== undefined;
    this.#transport?.hold?.(isWaiting || this.#holds > 0 || this.#requests.size > 0);
  }

  async #open(): Promise<Welcome | undefined> {
    if (this.#sentence !== undefined) return undefined;
    const welcome = new Promise<Welcome | undefined>((resolve) => {
      this.#welcomed = resolve;
    });
    try {
      const transport = await this.#options.connect();
      if (this.#sentence !== undefined) {
        transport.close();
        return undefined;
      }
      this.#transport = transport;
      transport.onData((bytes) => this.#receive(bytes));
      transport.onClose((sentence) => {
        this.#end(sentence ?? "The connection to the GPU host ended.", true);
      });
      const writer = new Writer();
      writeHello(writer, truncateUtf8(this.#options.client ?? "", MAX_CLIENT_NAME_BYTES));
      transport.send(frame(UpFrame.hello, writer.take()));
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error), true);
    }
    return welcome;
  }

  #send(bytes: Uint8Array): void {
    if (this.#sentence !== undefined) return; // Nobody hears it.
    if (this.#waiting === undefined) this.#transport?.send(bytes);
    else this.#waiting.push(bytes);
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const each of this.#reader.push(bytes)) {
        if (this.#sentence !== undefined) return;
        this.#handle(each);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(`The GPU host broke the protocol: ${error.message}`, true);
    }
  }

  #handle({ kind, payload }: Frame): void {
    switch (kind) {
      case DownFrame.welcome:
        return this.#welcome(readWelcome(new Reader(payload)));
      case DownFrame.refused:
      case DownFrame.goodbye:
        return this.#end(new TextDecoder().decode(payload), true);
      case DownFrame.replies:
        return this.#readReplies(payload);
      case DownFrame.payloadBegin:
        return this.#payload.begin(payload);
      case DownFrame.payloadChunk:
        return this.#payload.append(payload);
      case DownFrame.tick:
        return this.#listeners.get("tick")?.(payload);
      case DownFrame.input:
        return this.#listeners.get("input")?.(payload);
      case DownFrame.resize:
        return this.#listeners.get("resize")?.(payload);
      default:
        throw new ProtocolError(`No frame to a program has the kind ${kind}.`);
    }
  }

  #welcome(welcome: Welcome): void {
    for (const feature of welcome.wgslLanguageFeatures) this.wgslLanguageFeatures.add(feature);
    this.preferredCanvasFormat = welcome.preferredCanvasFormat;
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const bytes of waiting) this.#transport?.send(bytes);
    this.#welcomed(welcome);
    this.#updateHold();
  }

  #readReplies(payload: Uint8Array): void {
    const reader = new Reader(payload);
    while (reader.remaining > 0) {
      const reply = readReply(reader, this.#payload);
      if (reply.kind === "uncapturedError") {
        this.#device(reply.device)?.onUncapturedError(reply.error.type, reply.error.message);
      } else if (reply.kind === "deviceLost") {
        this.#device(reply.device)?.lose(reply.reason, reply.message);
      } else {
        this.#settle(reply);
      }
    }
    this.#updateHold();
  }

  #settle(reply: Reply & { readonly request: number }): void {
    const resolve = this.#requests.get(reply.request);
    if (resolve === undefined) {
      throw new ProtocolError(`A reply answers request ${reply.request}, which is not open.`);
    }
    this.#requests.delete(reply.request);
    // Inline data lies in the frame, which is gone when the promise's reaction runs.
    resolve(reply.kind === "mapped" ? { ...reply, data: reply.data.slice() } : reply);
  }

  #device(id: number): DeviceRecord | undefined {
    return this.#devices.get(id)?.deref();
  }

  #end(sentence: string, isNews: boolean): void {
    if (this.#sentence !== undefined) return;
    this.#sentence = sentence;
    this.#waiting = undefined;
    this.#transport?.close();
    if (isNews) this.report(sentence);
    this.#ended(sentence); // Before the program hears of it by its devices, and perhaps exits.
    for (const weak of this.#devices.values()) weak.deref()?.lose("unknown", sentence);
    for (const resolve of this.#requests.values()) resolve(undefined);
    this.#requests.clear();
    this.#welcomed(undefined);
  }
}

/** After the end nobody is asked, and a program that loops over what it is promised is to hear of the end. */
async function noReply(): Promise<undefined> {
  await turn();
}
