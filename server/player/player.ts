import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Confinement } from "#server/confine/confinement.ts";
import {
  adapterName,
  MappedHash,
  PictureHash,
  type RecordingEnd,
} from "#server/recording/format.ts";
import type { RecordingReader, RecordingRest } from "#server/recording/recording-reader.ts";
import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import { usualSubmitDeadline } from "#server/scheduler/submit-deadline.ts";
import type { Gpu } from "#server/session/gpu-probe.ts";
import { GpuSeat } from "#server/session/gpu-seat.ts";
import { GpuWorker } from "#server/session/gpu-worker.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { frame, FrameReader } from "#shared/wire/frames.ts";
import { HashComparison } from "./hash-comparison.ts";
import { lowerBounds } from "./lower-bounds.ts";
import { texelBytes } from "./pixels.ts";
import { PlayerError } from "./player-error.ts";
import { requirePlayable } from "./wire-version.ts";
import { FromPlayback, type PlaybackBegin, ToPlayback } from "./messages.ts";

/** A playback that says nothing for so long hangs, and is killed. A software GPU compiles inside submits, for seconds. */
const STALL_MS = 60_000;

/** Bytes of the host's memory that a playback may take. Bounds what a recording can do to the player's machine. */
const MAX_HOST_MEMORY = 4 * 1024 ** 3;

/** A worker whose socket is closed has so long to tell by its end why. */
const END_MS = 1_000;

/** Told where the caller's signal ends a playback. */
const ENDED = "The playback was ended.";

/** A playback shares the GPU with nobody. */
const SHARE: GpuShare = { policy: "best-effort" };

export type PlayerPlace = {
  readonly gpu: Gpu;
  readonly confinement: Confinement;
  /** Sockets live in a folder made under it. */
  readonly runtimeFolder: string;
  /** Files and folders that the worker may not read, wherever they lie. Absent: none. */
  readonly secrets?: readonly string[];
  /** GPU time of one submit past which the worker is killed. Absent: as a session's. Milliseconds. */
  readonly submitDeadlineMs?: number;
};

export type PlayedPicture = {
  readonly hash: PictureHash;
  /** When the program presented it: microseconds since the recording began. */
  readonly time: number;
  /** Rows from the top, without padding. */
  readonly texels: Uint8Array;
};

export type PlayOptions = {
  /** Plays within the bounds that the file names. Absent: within the defaults, where it names more. */
  readonly trustsBounds?: boolean;
  /** Told of each picture before the next; absent: no picture leaves the worker. */
  readonly picture?: (picture: PlayedPicture) => Promise<void>;
  /** Told of each hash as it comes. */
  readonly hash?: (hash: PictureHash | MappedHash) => void;
  /** Kills the worker. */
  readonly signal?: AbortSignal;
};

export type Played = RecordingRest & {
  readonly pictures: number;
  readonly mapped: number;
  readonly comparison: HashComparison;
  /** The recording's last record; absent where it was cut off. */
  readonly end?: RecordingEnd;
  /** The stream broke the protocol, as it may have when it was recorded: a sentence with the place. */
  readonly refusal?: string;
};

/** Plays recordings, one after the other, in a worker process that is confined as a session's is. */
export class Player implements AsyncDisposable {
  readonly #worker: GpuWorker;
  readonly #folder: string;
  /** Resolves with the reason, a sentence, when the worker is gone. */
  readonly #ended: Promise<string>;
  readonly #scheduler: GpuScheduler;
  readonly #seat: GpuSeat;
  #connections = 0;

  private constructor(
    worker: GpuWorker,
    folder: string,
    ended: Promise<string>,
    submitDeadlineMs: number,
  ) {
    this.#worker = worker;
    this.#folder = folder;
    this.#ended = ended;
    // One seat, which has the GPU whenever it wants it: what is left of sharing is the deadline.
    this.#scheduler = new GpuScheduler({ deadlineMs: () => submitDeadlineMs });
    this.#seat = new GpuSeat(this.#scheduler, worker, SHARE, {
      charged: () => {},
      overdue: (_milliseconds, how) => worker.kill(how),
    });
  }

  /** Throws WorkerError; then nothing is left. */
  static async start({
    gpu,
    confinement,
    runtimeFolder,
    secrets = [],
    submitDeadlineMs = usualSubmitDeadline(gpu.isSoftware),
  }: PlayerPlace): Promise<Player> {
    const folder = await mkdtemp(path.join(runtimeFolder, "heliograph-player-"));
    const socketPath = path.join(folder, "worker.sock");
    const extension = path.extname(import.meta.filename);
    const { promise, resolve } = Promise.withResolvers<string>();
    let player: Player | undefined;
    try {
      const worker = await GpuWorker.start(
        {
          command: confinement.command({
            main: fileURLToPath(new URL(`./main${extension}`, import.meta.url)),
            environment: gpu.environment,
            usesDevices: !gpu.isSoftware,
            maxHostMemory: MAX_HOST_MEMORY,
            sockets: [socketPath],
            secrets,
          }),
          socketPath,
          // There is no media thread.
          mediaSocketPath: socketPath,
          mediaNonce: "00".repeat(32),
          maxHostMemory: MAX_HOST_MEMORY,
        },
        { message: (message) => player?.told(message), ended: resolve, output: () => {} },
        new AbortController().signal,
      );
      player = new Player(worker, folder, promise, submitDeadlineMs);
      return player;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** As a recording of it names it. */
  get adapter(): string {
    return adapterName(this.#worker.ready.adapter);
  }

  /** What a session would hear of besides is of no interest here. */
  told(message: ToGateway): void {
    if ("lease" in message || message.type === "gpuWanted" || message.type === "gpuHere") {
      this.#seat.told(message);
    }
  }

  /** Throws RecordingError, and PlayerError where the worker ends or the stream is of a version that is not played. */
  async play(recording: RecordingReader, options: PlayOptions = {}): Promise<Played> {
    requirePlayable(recording.header.wire);
    const { signal } = options;
    if (signal?.aborted === true) throw new PlayerError(ENDED);
    const kill = () => this.#worker.kill(ENDED);
    signal?.addEventListener("abort", kill, { once: true });
    try {
      const socket = await this.#worker.open(++this.#connections);
      try {
        const worker = {
          kill: (reason: string) => this.#worker.kill(reason),
          ended: this.#ended,
        };
        return await new Play(socket, recording, options, worker).run();
      } finally {
        socket.destroy();
      }
    } finally {
      signal?.removeEventListener("abort", kill);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.stop("The playback is over.");
    this.#seat[Symbol.dispose]();
    this.#scheduler[Symbol.dispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What a play needs of its worker. */
type PlayWorker = {
  readonly kill: (reason: string) => void;
  /** Resolves with the reason when it is gone. */
  readonly ended: Promise<string>;
};

/** A record that was sent and is not played yet. */
type Sent = { readonly offset: number; readonly time: number };

/** One recording on its way through the worker. */
class Play {
  readonly #socket: Socket;
  readonly #recording: RecordingReader;
  readonly #options: PlayOptions;
  readonly #worker: PlayWorker;
  readonly #comparison = new HashComparison();
  readonly #sent: Sent[] = [];
  #pictures = 0;
  #mapped = 0;
  /** Its texels are not complete. */
  #picture: (PlayedPicture & { filled: number }) | undefined;
  #refusal: string | undefined;
  #isFinished = false;
  /** What the worker may not say, or what nobody could write. */
  #fault: unknown;
  #stall: NodeJS.Timeout | undefined;
  #stalled = false;

  constructor(
    socket: Socket,
    recording: RecordingReader,
    options: PlayOptions,
    worker: PlayWorker,
  ) {
    this.#socket = socket;
    this.#recording = recording;
    this.#options = options;
    this.#worker = worker;
    socket.on("error", () => {});
  }

  async run(): Promise<Played> {
    const received = this.#receive();
    received.catch(() => this.#socket.destroy());
    try {
      const fed = await this.#feed();
      await received;
      const { refusal } = this.#result;
      const place = this.#sent[0]?.offset;
      return {
        ...fed,
        ...this.#result,
        ...(refusal === undefined
          ? {}
          : { refusal: `${refusal} It is in the record at byte ${place ?? fed.offset}.` }),
      };
    } finally {
      clearTimeout(this.#stall);
      this.#socket.destroy();
      await received.catch(() => {});
    }
  }

  get #result(): Pick<Played, "pictures" | "mapped" | "comparison" | "refusal"> {
    return {
      pictures: this.#pictures,
      mapped: this.#mapped,
      comparison: this.#comparison,
      ...(this.#refusal === undefined ? {} : { refusal: this.#refusal }),
    };
  }

  async #feed(): Promise<RecordingRest & Pick<Played, "end">> {
    const { bounds: named } = this.#recording.header;
    const { trustsBounds = false, picture } = this.#options;
    const bounds = trustsBounds ? named : lowerBounds(named).bounds;
    const begin: PlaybackBegin = { bounds, wantsTexels: picture !== undefined };
    this.#socket.write(frame(ToPlayback.begin, Buffer.from(JSON.stringify(begin))));
    this.#progress();
    const entries = this.#recording.entries();
    let end: RecordingEnd | undefined;
    for (;;) {
      const next = await entries.next();
      if (next.done === true) {
        if (this.#socket.writable) this.#socket.write(frame(ToPlayback.end, new Uint8Array()));
        return { ...next.value, ...(end === undefined ? {} : { end }) };
      }
      const entry = next.value;
      if (entry.kind === "picture") this.#comparison.recordedPicture(entry.hash);
      else if (entry.kind === "mapped") this.#comparison.recordedMapped(entry.hash);
      else if (entry.kind === "end") ({ end } = entry);
      else if (this.#socket.writable && this.#refusal === undefined) {
        this.#sent.push({ offset: entry.offset, time: entry.time });
        if (!this.#socket.write(frame(ToPlayback.up, entry.bytes))) await drained(this.#socket);
      }
    }
  }

  /** Resolves when all is played, or refused. */
  async #receive(): Promise<void> {
    const frames = new FrameReader();
    const chunks: AsyncIterable<Uint8Array> = this.#socket.iterator({ destroyOnReturn: false });
    try {
      for await (const chunk of chunks) {
        this.#progress();
        await this.#takeAll(frames, chunk);
      }
    } catch (cause) {
      if (this.#fault !== undefined) throw this.#fault;
      if (!this.#socket.destroyed) throw cause; // Else the worker's end, which is told below.
    }
    if (this.#isFinished) return;
    if (this.#stalled) {
      throw new PlayerError(`The playback hangs: no word for ${STALL_MS / 1000} s.`);
    }
    throw new PlayerError(
      `The playback's worker ended at ${this.#place}. ${await this.#endReason()}`,
    );
  }

  async #takeAll(frames: FrameReader, chunk: Uint8Array): Promise<void> {
    try {
      for (const { kind, payload } of frames.push(chunk)) {
        // What came before the kill counts no more.
        if (this.#options.signal?.aborted !== true) await this.#take(kind, payload);
      }
    } catch (cause) {
      this.#fault = cause instanceof ProtocolError ? new PlayerError(cause.message) : cause;
      // It may have been taken over.
      this.#worker.kill("The playback ended amid its stream.");
      throw cause;
    }
  }

  /** Its socket is closed: it ends by itself, or is of no more use. */
  async #endReason(): Promise<string> {
    const kill = () => this.#worker.kill("It closed its data socket.");
    const timer = setTimeout(kill, END_MS);
    const reason = await this.#worker.ended;
    clearTimeout(timer);
    return reason;
  }

  get #place(): string {
    const [first] = this.#sent;
    return first === undefined ? "the recording's end" : `the record at byte ${first.offset}`;
  }

  #progress(): void {
    clearTimeout(this.#stall);
    this.#stall = setTimeout(() => {
      this.#stalled = true;
      this.#worker.kill("The playback hangs.");
    }, STALL_MS);
  }

  async #take(kind: number, payload: Uint8Array): Promise<void> {
    if (this.#isFinished) throw new PlayerError("The playback's worker went on after its end.");
    if (this.#picture !== undefined && kind !== FromPlayback.texels) {
      throw new PlayerError(`A frame of kind ${kind} came amid a picture.`);
    }
    switch (kind) {
      case FromPlayback.played:
        this.#sent.shift();
        return;
      case FromPlayback.picture:
        await this.#takePicture(readJson(PictureHash, payload));
        return;
      case FromPlayback.texels:
        await this.#takeTexels(payload);
        return;
      case FromPlayback.mapped: {
        const hash = readJson(MappedHash, payload);
        this.#mapped++;
        this.#comparison.playedMapped(hash);
        this.#options.hash?.(hash);
        return;
      }
      case FromPlayback.refused:
        this.#refusal = Buffer.from(payload).toString();
        this.#isFinished = true;
        return;
      case FromPlayback.finished:
        this.#isFinished = true;
        return;
      default:
        throw new PlayerError(`The playback's worker sent a frame of kind ${kind}.`);
    }
  }

  async #takePicture(hash: PictureHash): Promise<void> {
    this.#pictures++;
    this.#comparison.playedPicture(hash);
    this.#options.hash?.(hash);
    if (this.#options.picture === undefined) return;
    const bytes = texelBytes(hash);
    const time = this.#sent[0]?.time ?? 0;
    this.#picture = { hash, time, texels: new Uint8Array(bytes), filled: 0 };
  }

  async #takeTexels(bytes: Uint8Array): Promise<void> {
    const picture = this.#picture;
    if (picture === undefined || picture.filled + bytes.length > picture.texels.length) {
      throw new PlayerError("More texels came than the picture has.");
    }
    picture.texels.set(bytes, picture.filled);
    picture.filled += bytes.length;
    if (picture.filled < picture.texels.length) return;
    this.#picture = undefined;
    await this.#options.picture?.(picture);
  }
}

function readJson<Schema extends z.ZodType>(schema: Schema, payload: Uint8Array): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(Buffer.from(payload).toString()));
  } catch (cause) {
    throw new PlayerError("The playback's worker tells a hash that is none.", { cause });
  }
}

/** Resolves when the socket takes more, or never will. */
async function drained(socket: Socket): Promise<void> {
  const abort = new AbortController();
  const { signal } = abort;
  try {
    await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]);
  } catch {
    // A write found the worker gone; why it is, is found by reading.
  } finally {
    abort.abort();
  }
}
