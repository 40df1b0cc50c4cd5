import type { AccessUnit } from "./access-unit-reader.ts";
import type { Blame } from "./blame.ts";
import { packetize } from "./h264.ts";
import type { BitrateBounds, FromMedia, IceOptions } from "./messages.ts";
import { rtpTicks } from "./rtp-stream.ts";
import { Viewer } from "./viewer.ts";

/** The way to the session's worker. */
export type WorkerLink = {
  /** False when the worker does not read: ask again later. */
  requestKeyFrame(): boolean;
  requestBitrate(bitsPerSecond: number): boolean;
  close(): void;
};

/** A key frame costs as much as many others: viewers together get no more of them than this. */
const KEY_FRAME_PAUSE_MS = 250;

/** A worker that did not answer until then may have lost the request with its encoder. */
const KEY_FRAME_PATIENCE_MS = 1000;

/** Headers, resends and probes share the way with the picture. */
const MEDIA_SHARE = 0.95;

/** Smaller changes are not worth a new target for the encoder. */
const LEAST_BITRATE_CHANGE = 0.05;

/** One VM's picture: access units from its worker to all its viewers, and their wishes back. */
export class MediaSession {
  readonly #session: string;
  readonly #ice: IceOptions;
  #bitrates: BitrateBounds;
  readonly #blame: Blame;
  readonly #post: (message: FromMedia) => void;
  readonly #viewers = new Map<string, Viewer>();
  #worker: WorkerLink | undefined;
  #lastTimestamp = -Infinity;
  #keyFrameTimer: NodeJS.Timeout | undefined;
  #keyFrameAskedAt = -Infinity;
  #isKeyFrameAsked = false;
  #bitrateAsked: number | undefined;
  #bytes = 0;
  #presentToSentMs: number[] = [];
  #framesSent = 0;

  constructor(
    session: string,
    ice: IceOptions,
    bitrates: BitrateBounds,
    blame: Blame,
    post: (message: FromMedia) => void,
  ) {
    this.#session = session;
    this.#ice = ice;
    this.#bitrates = bitrates;
    this.#blame = blame;
    this.#post = post;
  }

  /** Takes ownership of the link; the former worker's is closed. */
  workerConnected(worker: WorkerLink): void {
    this.#worker?.close();
    this.#worker = worker;
    this.#isKeyFrameAsked = false;
    this.#keyFrameAskedAt = -Infinity;
    this.#bitrateAsked = undefined;
    if (this.#viewers.size > 0) this.#askKeyFrame();
    this.#askBitrate();
  }

  /** For the encoder and for who watches, at once. */
  limitBitrate(bitrates: BitrateBounds): void {
    this.#bitrates = bitrates;
    for (const id of this.#viewers.keys()) {
      this.atViewer(id, (viewer) => viewer.limitBitrate(bitrates));
    }
    this.#askBitrate();
  }

  /** Viewers keep the last frame until another worker dials. */
  workerGone(worker: WorkerLink): void {
    if (this.#worker === worker) this.#worker = undefined;
  }

  accessUnit(unit: AccessUnit): void {
    this.#bytes += unit.bytes;
    if (unit.isKeyFrame) this.#isKeyFrameAsked = false;
    if (this.#viewers.size === 0) return;
    // A picture that is encoded again, or by another worker, may carry a time that was used.
    const ticks = Math.max(rtpTicks(unit.capturedAt), this.#lastTimestamp + 1);
    this.#lastTimestamp = ticks;
    const frame = {
      payloads: packetize(unit.units),
      isKeyFrame: unit.isKeyFrame,
      timestamp: ticks % 2 ** 32,
      capturedAt: unit.capturedAt,
    };
    for (const id of this.#viewers.keys()) this.atViewer(id, (viewer) => viewer.frame(frame));
  }

  /** The viewer makes its offer when it is asked to. */
  addViewer(id: string, control: boolean): void {
    let isMade = false;
    this.#blame.run(
      (sentence, error) => {
        if (isMade) this.#viewerAtFault(id, sentence, error);
        else this.#tellFault(id, sentence, error);
      },
      () => this.#addViewer(id, control),
    );
    isMade = true;
  }

  removeViewer(id: string): void {
    if (!this.#forget(id)) return;
    this.#post({ type: "viewerState", viewer: id, state: "closed" });
  }

  viewerFailed(id: string, reason: string): void {
    if (!this.#forget(id)) return;
    this.#post({ type: "viewerState", viewer: id, state: "failed", reason });
  }

  /** What goes wrong there, now or later, is that viewer's end alone. One that left meanwhile is told nothing. */
  atViewer(id: string, work: (viewer: Viewer) => void): void {
    const viewer = this.#viewers.get(id);
    if (viewer === undefined) return;
    this.#blame.run(
      (sentence, error) => this.#viewerAtFault(id, sentence, error),
      () => work(viewer),
    );
  }

  /** Once a second. */
  tick(): void {
    const targetBitrate = this.#targetBitrate();
    const streaming = [...this.#viewers.values()].filter((viewer) => viewer.isStreaming);
    for (const id of this.#viewers.keys()) {
      this.atViewer(id, (viewer) =>
        viewer.tick(targetBitrate, streaming.length, this.#presentToSentMs),
      );
    }
    if (streaming.some((viewer) => viewer.waitsForKeyFrame)) this.#askKeyFrame();
    this.#askBitrate();
    if (streaming.length === 0 && this.#bytes === 0) return;
    this.#post({
      type: "stats",
      session: this.#session,
      viewers: streaming.length,
      bitrate: this.#bytes * 8,
      targetBitrate,
      framesSent: this.#framesSent,
      packetsLost: streaming.reduce((sum, { totals }) => sum + (totals?.packetsLost ?? 0), 0),
      presentToSentMs: this.#presentToSentMs,
    });
    this.#bytes = 0;
    this.#presentToSentMs = [];
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#keyFrameTimer);
    this.#keyFrameTimer = undefined;
    this.#worker?.close();
    this.#worker = undefined;
    for (const id of this.#viewers.keys()) this.removeViewer(id);
  }

  #addViewer(id: string, control: boolean): void {
    const tell = (state: "connected" | "disconnected"): void =>
      this.#post({ type: "viewerState", viewer: id, state });
    const viewer = new Viewer(
      { viewer: id, control, ice: this.#ice, bitrates: this.#bitrates },
      {
        description: (description) => this.#post({ type: "description", viewer: id, description }),
        candidate: (candidate) => this.#post({ type: "candidate", viewer: id, candidate }),
        connected: () => {
          tell("connected");
          this.#askKeyFrame();
          this.#askBitrate();
        },
        disconnected: () => tell("disconnected"),
        failed: (reason) => this.viewerFailed(id, reason),
        input: (event) => this.#post({ type: "input", session: this.#session, viewer: id, event }),
        keyFrameWanted: () => this.#askKeyFrame(),
        estimateChanged: () => this.#askBitrate(),
        frameSent: (presentToSentMs) => {
          this.#framesSent += 1;
          this.#presentToSentMs.push(presentToSentMs);
        },
      },
    );
    this.#viewers.set(id, viewer);
  }

  /** Of one that has failed or left already, what else comes must not fill the log. */
  #viewerAtFault(id: string, sentence: string, error: unknown): void {
    if (this.#forget(id)) this.#tellFault(id, sentence, error);
  }

  #tellFault(viewer: string, reason: string, error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? reason) : reason;
    this.#post({ type: "fault", session: this.#session, stack });
    this.#post({ type: "viewerState", viewer, state: "failed", reason });
  }

  #forget(id: string): boolean {
    const viewer = this.#viewers.get(id);
    if (viewer === undefined) return false;
    this.#viewers.delete(id);
    // What its sockets still throw as they close is its own as well.
    this.#blame.run(
      (sentence, error) => this.#viewerAtFault(id, sentence, error),
      () => viewer.close(),
    );
    this.#askBitrate();
    return true;
  }

  /** What is asked while an answer is awaited is answered by it. */
  #askKeyFrame(): void {
    const since = performance.now() - this.#keyFrameAskedAt;
    const isAwaited = this.#isKeyFrameAsked && since < KEY_FRAME_PATIENCE_MS;
    if (isAwaited || this.#keyFrameTimer !== undefined) return;
    const wait = KEY_FRAME_PAUSE_MS - since;
    if (wait > 0) {
      this.#keyFrameTimer = setTimeout(() => {
        this.#keyFrameTimer = undefined;
        this.#askKeyFrame();
      }, wait);
      return;
    }
    this.#keyFrameAskedAt = performance.now();
    this.#isKeyFrameAsked = this.#worker?.requestKeyFrame() ?? false;
  }

  #targetBitrate(): number {
    let least = this.#bitrates.max;
    let isKnown = false;
    for (const { estimate } of this.#viewers.values()) {
      if (estimate === undefined) continue;
      isKnown = true;
      least = Math.min(least, estimate >= this.#bitrates.max ? estimate : estimate * MEDIA_SHARE);
    }
    return Math.round(isKnown ? Math.max(this.#bitrates.min, least) : this.#bitrates.start);
  }

  #askBitrate(): void {
    const target = this.#targetBitrate();
    const asked = this.#bitrateAsked;
    const isNews =
      asked === undefined ||
      Math.abs(target - asked) > LEAST_BITRATE_CHANGE * asked ||
      (target === this.#bitrates.max && asked !== target);
    if (isNews && this.#worker?.requestBitrate(target) === true) this.#bitrateAsked = target;
  }
}
