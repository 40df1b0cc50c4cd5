import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { ReplyFrames } from "#server/replay/reply-frames.ts";
import { Replayer } from "#server/replay/replayer.ts";
import type { SessionBudget } from "#server/replay/session-budget.ts";
import type { SurfaceHost } from "#server/replay/surface-host.ts";
import { TokenBucket } from "#shared/base/token-bucket.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { DownFrame, frame, FrameReader, UpFrame, type Frame } from "#shared/wire/frames.ts";
import { readHello, writeWelcome } from "#shared/wire/handshake.ts";
import { MAX_ANIMATION_CHANGES_PER_SECOND } from "#shared/wire/limits.ts";
import { Reader } from "#shared/wire/reader.ts";
import { Writer } from "#shared/wire/writer.ts";
import { endReason } from "./end-reason.ts";
import type { GpuLease } from "./gpu-lease.ts";
import type { FromWorker } from "./messages.ts";
import { RecordedSurfaces } from "./recorded-surfaces.ts";
import type { StageTimes } from "./stage-times.ts";

/** Frames of one program received and not finished by the GPU. Bounds how far its program runs ahead. */
const MAX_UNFINISHED_FRAMES = 2;

export type ConnectionParts = {
  readonly id: number;
  /** The bytes of frames from and to the program. The connection owns it. */
  readonly socket: Socket;
  readonly gpu: GPU;
  readonly surfaces: SurfaceHost;
  /** The session's, which its connections share. */
  readonly budget: SessionBudget;
  readonly times: StageTimes;
  readonly report: (message: FromWorker) => void;
  /** The hash of each picture and of each buffer that is read is reported. */
  readonly isRecorded: boolean;
  /** The session's credit, which all its connections share. */
  readonly lease: GpuLease;
  /** Commands were handed to Dawn. */
  readonly worked: () => void;
};

/** One program's connection: its byte stream in, its replies out, its replay between. */
export class Connection implements Disposable {
  readonly #parts: ConnectionParts;
  readonly #replayer: Replayer;
  readonly #replies: ReplyFrames;
  readonly #recorded: RecordedSurfaces | undefined;
  readonly #frames = new FrameReader();
  /** Of the frames received and unfinished, oldest first. */
  readonly #unfinished = new Set<Promise<void>>();
  readonly #animationChanges = new TokenBucket(
    MAX_ANIMATION_CHANGES_PER_SECOND,
    MAX_ANIMATION_CHANGES_PER_SECOND,
  );
  #isAnimating = false;
  #isWelcome = false;
  #isFlushDue = false;
  #isEnded = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { id, gpu, budget, socket, report } = parts;
    this.#replies = new ReplyFrames((bytes) => this.#send(bytes));
    this.#recorded = parts.isRecorded
      ? new RecordedSurfaces({
          surfaces: parts.surfaces,
          taken: (hash) => report({ type: "pictureHash", connection: id, hash }),
          pause: (until) => this.#replayer.pauseUntil(until),
        })
      : undefined;
    this.#replayer = new Replayer(gpu, {
      connection: id,
      surfaces: this.#recorded ?? parts.surfaces,
      budget,
      reply: (reply) => {
        if (parts.isRecorded && reply.kind === "mapped") this.#hash(reply.request, reply.data);
        this.#replies.write(reply);
        this.#flushSoon();
      },
      submit: (queue, run) => parts.lease.submit(queue, run),
      onAnimation: (running) => this.#setAnimating(running),
      onEndFrame: (tick, finished) => this.#receiveFrame(tick, finished),
    });
    // The end is found by reading; what a write finds first is told again there.
    socket.on("error", () => {});
  }

  /** Serves the program until either side ends the connection, and reports that. Never rejects. */
  async run(): Promise<void> {
    const { id, socket, report } = this.#parts;
    let reason = "The program closed the connection.";
    try {
      await this.#read();
      await this.#recorded?.settled();
    } catch (cause) {
      reason = endReason(cause);
      if (cause instanceof ProtocolError && !this.#isEnded) {
        this.#send(frame(DownFrame.refused, Buffer.from(reason)));
      }
    }
    socket.end();
    this.close();
    report({ type: "connectionEnded", connection: id, reason });
  }

  /** Called about once a second. */
  freeDestroyed(): void {
    this.#replayer.freeDestroyed();
  }

  /** Ends the connection and destroys what its program made on the GPU. */
  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#replayer.close();
    this.#parts.socket.destroySoon();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #setAnimating(running: boolean): void {
    if (running === this.#isAnimating) return;
    if (!this.#animationChanges.take(performance.now())) {
      throw new ProtocolError(
        `The program began or ended to animate over ${MAX_ANIMATION_CHANGES_PER_SECOND} times in a second.`,
      );
    }
    this.#isAnimating = running;
    this.#parts.report({ type: "animation", connection: this.#parts.id, running });
  }

  async #read(): Promise<void> {
    const { socket, worked } = this.#parts;
    // The next chunk is read once this one is replayed, so a busy worker stops the guest.
    // Left open after a throw, for the sentence that says why.
    const chunks: AsyncIterable<Uint8Array> = socket.iterator({ destroyOnReturn: false });
    for await (const chunk of chunks) {
      for (const each of this.#frames.push(chunk)) {
        const paused = this.#take(each);
        if (paused !== undefined) {
          this.#replies.flush();
          worked();
          await paused;
        }
        if (socket.writableNeedDrain) await drained(socket);
        if (this.#isEnded) return;
      }
      this.#replies.flush();
      worked();
    }
  }

  #take({ kind, payload }: Frame): Promise<void> | undefined {
    if (!this.#isWelcome) return this.#welcome(kind, payload);
    const start = performance.now();
    try {
      switch (kind) {
        case UpFrame.commands:
          return this.#replayer.execute(payload);
        case UpFrame.stagedCommands:
          return this.#replayer.executeStaged();
        case UpFrame.payloadBegin:
          this.#replayer.beginPayload(readTotal(payload));
          return undefined;
        case UpFrame.payloadChunk:
          this.#replayer.payloadChunk(payload);
          return undefined;
        default:
          throw new ProtocolError(`A frame of kind ${kind} came, which no program sends here.`);
      }
    } finally {
      this.#parts.times.time("replay", performance.now() - start);
    }
  }

  #welcome(kind: number, payload: Uint8Array): undefined {
    if (kind !== UpFrame.hello) {
      throw new ProtocolError(`The connection begins with a frame of kind ${kind}, not a hello.`);
    }
    readHello(new Reader(payload));
    this.#isWelcome = true;
    const { id, gpu } = this.#parts;
    const writer = new Writer();
    writeWelcome(writer, {
      wgslLanguageFeatures: [...gpu.wgslLanguageFeatures],
      preferredCanvasFormat: gpu.getPreferredCanvasFormat(),
      connection: id,
    });
    this.#send(frame(DownFrame.welcome, writer.view()));
    return undefined;
  }

  #receiveFrame(tick: number, finished: Promise<void>): void {
    const { id, report, times } = this.#parts;
    times.count("frames");
    report({ type: "frameReceived", connection: id, tick });
    this.#unfinished.add(finished);
    void this.#finishFrame(tick, finished);
    const [oldest] = this.#unfinished;
    if (oldest !== undefined && this.#unfinished.size >= MAX_UNFINISHED_FRAMES) {
      this.#replayer.pauseUntil(oldest);
    }
  }

  async #finishFrame(tick: number, finished: Promise<void>): Promise<void> {
    const { id, report } = this.#parts;
    await finished;
    this.#unfinished.delete(finished);
    if (!this.#isEnded) report({ type: "frameFinished", connection: id, tick });
  }

  /** Replies that come one after the other leave together. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      if (!this.#isEnded) this.#replies.flush();
    });
  }

  #hash(request: number, data: Uint8Array): void {
    const sha256 = createHash("sha256").update(data).digest("hex");
    const hash = { request, bytes: data.length, sha256 };
    this.#parts.report({ type: "mappedHash", connection: this.#parts.id, hash });
  }

  #send(bytes: Uint8Array): void {
    if (this.#parts.socket.writable) this.#parts.socket.write(bytes);
  }
}

function readTotal(payload: Uint8Array): number {
  if (payload.length !== 8) {
    throw new ProtocolError(`A payload's length comes in ${payload.length} bytes, not 8.`);
  }
  return new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true);
}

/** Resolves when the socket takes more, or never will. */
async function drained(socket: Socket): Promise<void> {
  const abort = new AbortController();
  const { signal } = abort;
  await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]);
  abort.abort();
}
