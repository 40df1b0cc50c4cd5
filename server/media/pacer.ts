import { MAX_RTP_PAYLOAD_BYTES } from "./h264.ts";
import type { ProbePlan } from "./probe.ts";

// Spreads a viewer's packets over time. A socket that gets a whole key frame at once loses much of it
// (100 Mbit/s in bursts of a frame lost half, in slices of 24 packets 1 %).

/** A frame as RTP payloads, shared by all viewers of a session. */
export type MediaFrame = {
  readonly payloads: readonly Buffer[];
  readonly isKeyFrame: boolean;
  /** 90 kHz, without the viewer's offset. */
  readonly timestamp: number;
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly capturedAt: number;
};

/** Sends packets; each returns the bytes that left. */
export type PacketSink = {
  sendMedia(frame: MediaFrame, index: number, probe: number | undefined): number;
  /** Sends again the packet with this RTP number; 0 when it is forgotten. */
  resend(sequence: number, probe: number | undefined): number;
  /** Sends something that the viewer throws away; 0 when there is nothing to send. */
  pad(probe: number): number;
};

/** Sending this much faster than the estimate, a frame does not wait for the one before (as libwebrtc). */
const PACE = 2.5;
const SLICE_BYTES = 24 * MAX_RTP_PAYLOAD_BYTES;
const LEAST_SLICE_BYTES = 4 * MAX_RTP_PAYLOAD_BYTES;
/** What may leave at once: so long at the pace. */
const SLICE_MS = 15;
const PROBE_SLICE_MS = 3;

/** Resends that wait. Bounds what a viewer's NACKs can make of one frame. */
export const MAX_RESENDS = 2048;

/** Frames of more bytes than this never wait for a viewer. Bounds the thread's memory for it. */
export const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
/** Frames that wait for longer are old news. Bounds how late the picture of a slow network is. */
export const MAX_WAIT_MS = 500;
/** The same where a key frame is among them: dropping it would only ask for another. */
export const MAX_KEY_FRAME_WAIT_MS = 3000;

type Queued = { readonly frame: MediaFrame; next: number; readonly queuedAt: number };

export class Pacer implements Disposable {
  readonly #sink: PacketSink;
  #rate: number;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  readonly #resends = new Set<number>();
  #probe: ProbePlan | undefined;
  #probeBytes = 0;
  #budget = 0;
  #filledAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `estimate` in bits a second. */
  constructor(sink: PacketSink, estimate: number) {
    this.#sink = sink;
    this.#rate = PACE * estimate;
  }

  set estimate(bitsPerSecond: number) {
    this.#rate = PACE * bitsPerSecond;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Whether the viewer's network is so slow that frames must be left out. */
  get isBehind(): boolean {
    const [oldest] = this.#queue;
    if (oldest === undefined) return false;
    const hasKeyFrame = this.#queue.some(({ frame }) => frame.isKeyFrame);
    const most = hasKeyFrame ? MAX_KEY_FRAME_WAIT_MS : MAX_WAIT_MS;
    return performance.now() - oldest.queuedAt > most || this.#queuedBytes > MAX_QUEUED_BYTES;
  }

  enqueue(frame: MediaFrame): void {
    this.#queue.push({ frame, next: 0, queuedAt: performance.now() });
    for (const payload of frame.payloads) this.#queuedBytes += payload.length;
    this.#run();
  }

  resend(sequence: number): void {
    if (this.#resends.size < MAX_RESENDS) this.#resends.add(sequence);
    this.#run();
  }

  /** Sends at the probe's rate until its bytes left, filling with padding. */
  probe(plan: ProbePlan): void {
    this.#probe = plan;
    this.#probeBytes = 0;
    this.#run();
  }

  /** Forgets the frames that wait; returns how many. */
  clear(): number {
    const count = this.#queue.length;
    this.#queue = [];
    this.#queuedBytes = 0;
    return count;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.clear();
    this.#resends.clear();
  }

  #run(): void {
    if (this.#closed) return;
    this.#refill();
    while (this.#budget > 0 && this.#hasWork()) {
      const bytes = this.#sendNext();
      this.#budget -= bytes;
      if (this.#probe !== undefined) {
        this.#probeBytes += bytes;
        if (this.#probeBytes >= this.#probe.bytes) this.#probe = undefined;
      }
    }
    if (!this.#hasWork() || this.#timer !== undefined) return;
    const wait = (-this.#budget * 8 * 1000) / this.#currentRate();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#run();
      },
      Math.max(1, wait),
    );
  }

  #refill(): void {
    const now = performance.now();
    const rate = this.#currentRate();
    const bytesPerMs = rate / 8 / 1000;
    const slice =
      this.#probe === undefined
        ? Math.min(SLICE_BYTES, bytesPerMs * SLICE_MS)
        : Math.min(SLICE_BYTES, bytesPerMs * PROBE_SLICE_MS);
    const earned = this.#budget + (now - this.#filledAt) * bytesPerMs;
    this.#budget = Math.min(Math.max(LEAST_SLICE_BYTES, slice), earned);
    this.#filledAt = now;
  }

  #currentRate(): number {
    return Math.max(this.#rate, this.#probe?.rate ?? 0);
  }

  #hasWork(): boolean {
    return this.#resends.size > 0 || this.#queue.length > 0 || this.#probe !== undefined;
  }

  /** Resends first: the viewer already waits for them. */
  #sendNext(): number {
    const probe = this.#probe?.probe;
    for (const sequence of this.#resends) {
      this.#resends.delete(sequence);
      return this.#sink.resend(sequence, probe);
    }
    const [oldest] = this.#queue;
    if (oldest !== undefined) {
      const index = oldest.next;
      oldest.next += 1;
      this.#queuedBytes -= oldest.frame.payloads[index]?.length ?? 0;
      if (oldest.next === oldest.frame.payloads.length) this.#queue.shift();
      return this.#sink.sendMedia(oldest.frame, index, probe);
    }
    if (probe === undefined) return 0;
    const bytes = this.#sink.pad(probe);
    if (bytes === 0) this.#probe = undefined;
    return bytes;
  }
}
