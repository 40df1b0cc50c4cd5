import { CAPTURE_USAGE, Capture } from "#server/capture/capture.ts";
import { type PathProbe, probeCapturePath } from "#server/capture/path-probe.ts";
import type { Readback } from "#server/capture/readback.ts";
import { encoderBackends } from "#server/encode/backends.ts";
import { ColorConverter } from "#server/encode/color-converter.ts";
import { type EncoderReport, probeEncoders } from "#server/encode/encoder-probe.ts";
import { fitsH264 } from "#server/encode/h264-level.ts";
import { Picture, type VideoLayout } from "#server/encode/picture.ts";
import { VideoEncoder } from "#server/encode/video-encoder.ts";
import type { PresentedPicture, SurfaceHost, SurfaceKey } from "#server/replay/surface-host.ts";
import { CapturePace } from "./capture-pace.ts";
import { LayerStack } from "./layer-stack.ts";
import { MediaSocket } from "./media-socket.ts";
import type { WorkerLeg } from "./messages.ts";
import { PictureBound } from "./picture-bound.ts";
import { StageTimes } from "./stage-times.ts";
import { VideoStream } from "./video-stream.ts";

// Connects the stages: what replay presents is captured, encoded, and sent to the media thread.

type Size = { readonly width: number; readonly height: number };

/** Refused pictures are told of once in so long. Bounds the messages that a program makes by presenting them. */
const TELL_REFUSED_EVERY_MS = 1000;

export type PipelineEvents = {
  /** The picture is this surface's now, in this size (pixels); without a size, the surface is gone. */
  shown(surface: SurfaceKey, size: Size | undefined): void;
  /** A picture of this size is not shown, since the session's bound is smaller. */
  refused(surface: SurfaceKey, size: Size): void;
  /** The pipeline is closed: the media thread hung up, or no encoder works any more. */
  failed(error: unknown): void;
};

export type PipelineOptions = {
  readonly mediaSocket: string;
  readonly mediaNonce: Uint8Array;
  /** A device of the adapter that guests will use, for the probe alone: the caller's, and destroyed by the caller. */
  readonly probeDevice: GPUDevice;
  readonly events: PipelineEvents;
};

/** What the stages were found to be able to do. */
export type PipelineProbe = {
  readonly encoders: readonly EncoderReport[];
  readonly capture: PathProbe;
};

/** The session's picture on its way from replay to the media thread. */
export class Pipeline implements SurfaceHost {
  readonly probe: PipelineProbe;
  readonly #encoder: VideoEncoder;
  readonly #events: PipelineEvents;
  readonly #times = new StageTimes();
  readonly #stream: VideoStream;
  readonly #layers = new LayerStack<SurfaceKey>();
  readonly #captures = new Map<GPUDevice, Capture>();
  /** A surface's newest frame where it was not captured yet, and the pipeline's to destroy. */
  readonly #held = new Map<SurfaceKey, PresentedPicture>();
  #media: MediaSocket | undefined;
  #isWatched = false;
  #shown: { surface: SurfaceKey; width: number; height: number } | undefined;
  readonly #bound = new PictureBound();
  readonly #pace = new CapturePace();
  #paceTimer: NodeJS.Timeout | undefined;
  #toldRefused = -Infinity;
  #lastCapture = 0;
  #lastOffer = 0;
  #closed = false;

  private constructor(probe: PipelineProbe, encoder: VideoEncoder, events: PipelineEvents) {
    this.probe = probe;
    this.#encoder = encoder;
    this.#events = events;
    this.#stream = new VideoStream(
      encoder,
      {
        canSend: () => this.#media?.canSend === true,
        send: (unit) => this.#media?.send(unit),
      },
      this.#times,
      (error) => this.#fail(error),
    );
  }

  /** Finds what works on this machine, and dials the media thread. Throws an EncodeError where no encoder works. */
  static async open(options: PipelineOptions): Promise<Pipeline> {
    const encoders = await probeEncoders(encoderBackends());
    const usable = encoders.filter(({ refusal }) => refusal === undefined);
    const encoder = new VideoEncoder(usable.map(({ backend }) => backend));
    const capture = await probeConversion(options.probeDevice, encoder.layout);
    const pipeline = new Pipeline({ encoders, capture }, encoder, options.events);
    try {
      pipeline.#media = await MediaSocket.connect(options.mediaSocket, options.mediaNonce, {
        keyFrame: () => pipeline.#requestKeyFrame(),
        bitrate: (bitrate) => pipeline.#stream.retarget(bitrate),
        drained: () => pipeline.#stream.drained(),
        closed: (error) =>
          pipeline.#fail(new Error("The media thread closed its socket.", { cause: error })),
      });
    } catch (error) {
      pipeline.close();
      throw error;
    }
    return pipeline;
  }

  /** The encoder in use, as people call it. */
  get encoder(): string {
    return this.#encoder.title;
  }

  /** How many viewers watch: without, nothing is captured or encoded, but the newest picture is kept. */
  setAudience(viewers: number): void {
    this.#isWatched = viewers > 0;
    this.#stream.watch(this.#isWatched);
    this.#captureHeld();
  }

  /** Frames a second to show; more are presented in vain. */
  set frameRate(frameRate: number) {
    this.#pace.frameRate = frameRate;
    this.#captureHeld();
  }

  /** The largest picture that is shown. */
  set maxSize(maxSize: Size | undefined) {
    this.#bound.set(maxSize, performance.now());
  }

  captureUsage(): GPUTextureUsageFlags {
    return CAPTURE_USAGE;
  }

  async present(picture: PresentedPicture): Promise<void> {
    const { surface, device, width, height } = picture;
    this.#times.count("presented_frames");
    this.#drop(surface);
    if (this.#closed || !fitsH264(width, height) || !this.#isAdmitted(picture)) {
      picture.destroy();
      this.#times.count("refused_frames");
      return finished(device);
    }
    const isShown = this.#layers.present(surface, performance.now());
    if (isShown) this.#show(picture);
    if (!isShown || !this.#isAwaited || !this.#mayCapture(device)) {
      // The newest frame is never lost: it is captured once it may be.
      this.#held.set(surface, picture);
      return finished(device);
    }
    return this.#capture(picture);
  }

  release(surface: SurfaceKey): void {
    this.#drop(surface);
    this.#layers.release(surface);
    this.#events.shown(surface, undefined);
    if (this.#shown?.surface === surface) this.#shown = undefined;
    this.#captureHeld();
  }

  /** Mean and highest milliseconds a stage, and counts, since the last call. */
  takeStats(): Record<string, number> {
    return this.#times.take();
  }

  /** The same time for each frame, of the stages that are a leg of its way. */
  takeLegs(): Partial<Record<WorkerLeg, number[]>> {
    return this.#times.takeLegs();
  }

  /** Harmless when repeated. The devices stay their owners'. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#paceTimer);
    for (const surface of this.#held.keys()) this.#drop(surface);
    this.#stream.close();
    this.#media?.close();
    for (const capture of this.#captures.values()) capture.close();
    this.#captures.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #isAwaited(): boolean {
    return this.#isWatched || this.#stream.isKeyFrameWanted;
  }

  #requestKeyFrame(): void {
    this.#stream.requestKeyFrame();
    this.#captureHeld();
  }

  /** Submits the capture before it returns; resolves when the GPU is done with it. */
  async #capture(picture: PresentedPicture): Promise<void> {
    const { surface, device } = picture;
    const capture = this.#captureOf(device);
    const start = performance.now();
    const number = ++this.#lastCapture;
    const capturing = capture.capture(picture);
    picture.destroy();
    const readback = await capturing;
    if (readback === undefined) {
      this.#times.count("failed_captures");
      return;
    }
    this.#times.time("present_to_mapped", performance.now() - start);
    const offered = {
      ...readback,
      release: () => {
        readback.release();
        this.#captureHeld();
      },
    };
    // Devices finish in any order; a frame that is overtaken is not shown.
    if (this.#closed || number < this.#lastOffer || this.#layers.top !== surface) {
      offered.release();
      return;
    }
    this.#lastOffer = number;
    this.#stream.offer(offered);
  }

  /** Captures the picture's newest frame, if it waits and can be. */
  #captureHeld(): void {
    const { top } = this.#layers;
    const held = top === undefined ? undefined : this.#held.get(top);
    if (this.#closed || held === undefined || !this.#isAwaited) return;
    if (!this.#mayCapture(held.device)) return;
    this.#held.delete(held.surface);
    this.#show(held);
    void this.#capture(held);
  }

  /** A buffer is free and the pace allows it; else the newest frame waits for either. */
  #mayCapture(device: GPUDevice): boolean {
    if (!this.#captureOf(device).hasFree) return false;
    const now = performance.now();
    if (this.#pace.take(now)) return true;
    this.#paceTimer ??= setTimeout(
      () => {
        this.#paceTimer = undefined;
        this.#captureHeld();
      },
      Math.ceil(this.#pace.wait(now)),
    );
    return false;
  }

  #isAdmitted({ surface, width, height }: PresentedPicture): boolean {
    const now = performance.now();
    if (this.#bound.admits({ width, height }, now)) return true;
    if (now - this.#toldRefused >= TELL_REFUSED_EVERY_MS) {
      this.#toldRefused = now;
      this.#shown = undefined; // What is shown next is told again.
      this.#events.refused(surface, { width, height });
    }
    return false;
  }

  /** The surface has a newer frame, or is gone. */
  #drop(surface: SurfaceKey): void {
    const held = this.#held.get(surface);
    if (held === undefined) return;
    this.#held.delete(surface);
    held.destroy();
    this.#times.count("skipped_frames");
  }

  #show({ surface, width, height }: PresentedPicture): void {
    const shown = this.#shown;
    if (shown?.surface === surface && shown.width === width && shown.height === height) return;
    this.#shown = { surface, width, height };
    this.#events.shown(surface, { width, height });
  }

  #captureOf(device: GPUDevice): Capture {
    let capture = this.#captures.get(device);
    if (capture === undefined) {
      capture = new Capture(device, this.probe.capture.path, this.#encoder.layout);
      this.#captures.set(device, capture);
      void this.#closeWith(device, capture);
    }
    return capture;
  }

  async #closeWith(device: GPUDevice, capture: Capture): Promise<void> {
    await device.lost;
    capture.close();
    this.#captures.delete(device);
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#events.failed(error);
  }
}

/** Resolves when the GPU has done all that was submitted to the device, or the device is lost. */
async function finished(device: GPUDevice): Promise<void> {
  await device.queue.onSubmittedWorkDone().catch(() => undefined);
}

/** Finds out where colours are converted at less cost, with this machine's swscale against this device. */
async function probeConversion(device: GPUDevice, layout: VideoLayout): Promise<PathProbe> {
  using converter = new ColorConverter();
  return await probeCapturePath(device, layout, async (readback: Readback) => {
    const { width, height, pitch, bytes } = readback;
    using captured = new Picture(readback.layout, width, height, pitch);
    captured.write(bytes);
    if (readback.layout === layout) return;
    using video = new Picture(layout, width, height, Math.ceil(width / 128) * 128);
    await converter.convert(captured, video);
  });
}
