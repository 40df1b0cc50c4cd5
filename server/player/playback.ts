import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { CAPTURE_USAGE } from "#server/capture/capture.ts";
import { MAX_RECORD_BYTES, type PictureHash } from "#server/recording/format.ts";
import { ReplayFeed } from "./replay-feed.ts";
import type { GpuLease } from "#server/worker/gpu-lease.ts";
import { RecordedSurfaces } from "#server/worker/recorded-surfaces.ts";
import { Replayer } from "#server/replay/replayer.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import type { SurfaceHost } from "#server/replay/surface-host.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { type Frame, frame, FrameReader } from "#shared/wire/frames.ts";
import { FromPlayback, PlaybackBegin, ToPlayback } from "./messages.ts";

export type PlaybackParts = {
  /** To the player. The playback owns it. */
  readonly socket: Socket;
  readonly gpu: GPU;
  /** No submit goes without: the player counts how long each takes. */
  readonly lease: Pick<GpuLease, "submit" | "settled">;
  /** Commands were handed to Dawn. */
  readonly worked: () => void;
};

/** Nothing is shown: what is presented was read before it comes here. */
const UNSEEN: SurfaceHost = {
  captureUsage: () => CAPTURE_USAGE,
  present: async ({ device, ...picture }) => {
    picture.destroy();
    await device.queue.onSubmittedWorkDone().catch(() => undefined);
  },
  release: () => {},
};

/**
 * Plays one recording: what the program sent goes to a replayer as it went to the worker's. A record waits until every
 * promise of those before is answered, as its program did: what depends on a reply is never in the record of its request.
 */
export class Playback implements Disposable {
  readonly #parts: PlaybackParts;
  readonly #input = new FrameReader();
  #feed: ReplayFeed | undefined;
  #surfaces: RecordedSurfaces | undefined;
  #budget: SessionBudget | undefined;
  #replied: (() => void) | undefined;
  /** What the last request that failed was told: of another adapter, a device that its program had. */
  #rejection: string | undefined;

  constructor(parts: PlaybackParts) {
    this.#parts = parts;
    // The end is found by reading; what a write finds first is told again there.
    parts.socket.on("error", () => {});
  }

  /** Resolves when the pipeline that has compiled the longest is done. */
  async oldestCompiled(): Promise<void> {
    await this.#budget?.oldestCompiled();
  }

  /** Resolves when either side has ended it. */
  async run(): Promise<void> {
    const { socket } = this.#parts;
    try {
      const chunks: AsyncIterable<Uint8Array> = socket.iterator({ destroyOnReturn: false });
      for await (const chunk of chunks) {
        for (const each of this.#input.push(chunk)) {
          if (each.kind !== ToPlayback.end) {
            await this.#take(each);
            continue;
          }
          await this.#parts.lease.settled(); // Or never, and the player kills it for that.
          return this.#send(FromPlayback.finished, new Uint8Array());
        }
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      const before =
        this.#rejection === undefined ? "" : ` The last request that failed: ${this.#rejection}`;
      this.#send(FromPlayback.refused, Buffer.from(cause.message + before));
    } finally {
      socket.end();
      this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.#feed?.[Symbol.dispose]();
  }

  async #take({ kind, payload }: Frame): Promise<void> {
    if (kind === ToPlayback.begin && this.#feed === undefined) {
      this.#begin(PlaybackBegin.parse(JSON.parse(Buffer.from(payload).toString())));
    } else if (kind === ToPlayback.up && this.#feed !== undefined) {
      await this.#feed.push(payload, this.#parts.worked);
      await this.#settled(this.#feed.replayer);
      this.#send(FromPlayback.played, new Uint8Array());
      await this.#drained();
    } else {
      throw new Error(`The player sent a frame of kind ${kind}.`);
    }
  }

  #begin({ bounds, wantsTexels }: PlaybackBegin): void {
    const surfaces = new RecordedSurfaces({
      surfaces: UNSEEN,
      taken: (hash, texels) => this.#tell(hash, wantsTexels ? texels : undefined),
      pause: (until) => replayer.pauseUntil(until),
    });
    this.#surfaces = surfaces;
    this.#budget = new SessionBudget(bounds);
    const replayer = new Replayer(this.#parts.gpu, {
      connection: 1,
      surfaces,
      budget: this.#budget,
      reply: (reply) => {
        if (reply.kind === "mapped") {
          const sha256 = createHash("sha256").update(reply.data).digest("hex");
          const { request, data } = reply;
          this.#sendJson(FromPlayback.mapped, { request, bytes: data.length, sha256 });
        } else if (reply.kind === "rejected") {
          this.#rejection = reply.message;
        }
        this.#replied?.();
      },
      submit: (queue, run) => this.#parts.lease.submit(queue, run),
      onAnimation: () => {},
      onEndFrame: () => {},
    });
    this.#feed = new ReplayFeed(replayer);
  }

  /** Every promise is answered, and every picture told. */
  async #settled(replayer: Replayer): Promise<void> {
    this.#parts.worked();
    await this.#surfaces?.settled();
    while (replayer.pendingRequests > 0) {
      await new Promise<void>((resolve) => {
        this.#replied = resolve;
      });
    }
    this.#replied = undefined;
  }

  async #tell(hash: PictureHash, texels: Uint8Array | undefined): Promise<void> {
    this.#sendJson(FromPlayback.picture, hash);
    if (texels === undefined) return;
    for (let at = 0; at < texels.length; at += MAX_RECORD_BYTES) {
      this.#send(FromPlayback.texels, texels.subarray(at, at + MAX_RECORD_BYTES));
    }
    await this.#drained();
  }

  #sendJson(kind: number, value: object): void {
    this.#send(kind, Buffer.from(JSON.stringify(value)));
  }

  #send(kind: number, payload: Uint8Array): void {
    if (this.#parts.socket.writable) this.#parts.socket.write(frame(kind, payload));
  }

  /** Resolves when the player takes more, or never will. */
  async #drained(): Promise<void> {
    const { socket } = this.#parts;
    if (!socket.writableNeedDrain) return;
    const abort = new AbortController();
    const { signal } = abort;
    await Promise.race([once(socket, "drain", { signal }), once(socket, "close", { signal })]);
    abort.abort();
  }
}
