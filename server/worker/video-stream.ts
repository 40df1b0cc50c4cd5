import { type Readback, monotonicMicroseconds } from "#server/capture/readback.ts";
import { ColorConverter } from "#server/encode/color-converter.ts";
import { Picture } from "#server/encode/picture.ts";
import type { VideoEncoder } from "#server/encode/video-encoder.ts";
import type { SentAccessUnit } from "./media-socket.ts";
import { RestSchedule } from "./rest-schedule.ts";
import type { StageTimes } from "./stage-times.ts";

/** Where access units go. */
export type AccessUnitSink = { canSend(): boolean; send(unit: SentAccessUnit): void };

/**
 * From captured pictures to access units. Works on one picture at a time and off the event loop; a picture that comes
 * meanwhile waits, and gives way to a newer one. Nothing is encoded when the picture did not change, when nobody
 * watches, or when the sink is full: what was encoded must be sent, for the next refers to it.
 */
export class VideoStream {
  readonly #encoder: VideoEncoder;
  readonly #sink: AccessUnitSink;
  readonly #times: StageTimes;
  readonly #failed: (error: unknown) => void;
  readonly #converter = new ColorConverter();
  readonly #rest: RestSchedule;
  /** The newest picture that was not looked at yet. */
  #next: Readback | undefined;
  /** The session's picture as it was captured, where that is not video, to know when nothing changed. */
  #pixels: Picture | undefined;
  /** The session's picture. */
  #video: Picture | undefined;
  /** When it was captured: microseconds of CLOCK_MONOTONIC. */
  #videoTime = 0;
  /** The video was not encoded yet. */
  #isFresh = false;
  #isWatched = false;
  #keyFrameWanted = false;
  #isWorking = false;
  #closed = false;

  /**
   * @param encoder becomes the stream's own
   * @param failed is told once when no backend encodes any more: the stream is closed then
   */
  constructor(
    encoder: VideoEncoder,
    sink: AccessUnitSink,
    times: StageTimes,
    failed: (error: unknown) => void,
  ) {
    this.#encoder = encoder;
    this.#sink = sink;
    this.#times = times;
    this.#failed = failed;
    this.#rest = new RestSchedule(() => this.#wake());
  }

  /** Takes the readback over: it is released once copied, or once a newer one comes. */
  offer(readback: Readback): void {
    if (this.#closed) return readback.release();
    if (this.#next !== undefined) {
      this.#times.count("skipped_frames");
      this.#next.release();
    }
    this.#next = readback;
    this.#wake();
  }

  /** Whether anybody watches. Without, pictures are kept but not encoded. */
  watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    if (isWatched) this.#wake();
    else this.#rest.stop();
  }

  /** The next access unit is a key frame, and comes at once if there is a picture, watched or not. */
  requestKeyFrame(): void {
    this.#keyFrameWanted = true;
    this.#wake();
  }

  get isKeyFrameWanted(): boolean {
    return this.#keyFrameWanted;
  }

  /** Bits a second. */
  retarget(bitrate: number): void {
    this.#encoder.retarget(bitrate);
  }

  /** The sink has room again. */
  drained(): void {
    this.#wake();
  }

  /** Harmless when repeated. Work under way finishes first. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rest.stop();
    this.#next?.release();
    this.#next = undefined;
    this.#encoder.close();
    this.#converter.close();
    if (!this.#isWorking) this.#closePictures();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #wake(): void {
    if (!this.#isWorking && !this.#closed) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      while (!this.#closed && this.#sink.canSend() && (await this.#step())) {
        // Another picture may have come meanwhile.
      }
    } catch (error) {
      if (!this.#closed) {
        this.close();
        this.#failed(error);
      }
    } finally {
      this.#isWorking = false;
      if (this.#closed) this.#closePictures();
    }
  }

  /** Encodes the picture that there is or takes the next. False when there is nothing to do. */
  async #step(): Promise<boolean> {
    const isWanted = this.#isWatched || this.#keyFrameWanted;
    // A fresh picture comes before the next: else pictures that come fast would never be encoded.
    if (this.#next !== undefined && !(this.#isFresh && isWanted)) {
      await this.#take(this.#next);
      return true;
    }
    const isDue = this.#isWatched && (this.#isFresh || this.#rest.isDue);
    if (this.#video === undefined || (!isDue && !this.#keyFrameWanted)) return false;
    await this.#encode(this.#video);
    return true;
  }

  /** Makes the readback the session's picture, unless it is that already. */
  async #take(readback: Readback): Promise<void> {
    this.#next = undefined;
    let pixels: Picture | undefined;
    try {
      if (readback.bytes.length === 0) return; // It waited, and its device is gone.
      const { layout, width, height, pitch, time } = readback;
      const isVideo = layout === "i420" || layout === "nv12";
      const start = performance.now();
      const current = isVideo ? this.#video : this.#pixels;
      const isSame = sameShape(current, readback) && current?.equals(readback.bytes) === true;
      this.#times.time("compare", performance.now() - start);
      if (isSame) {
        this.#times.count("unchanged_frames");
        return;
      }
      if (this.#video?.width !== width || this.#video.height !== height) {
        this.#closePictures();
        this.#video = new Picture(
          this.#encoder.layout,
          width,
          height,
          Math.ceil(width / 128) * 128,
        );
      }
      if (isVideo) {
        this.#pixels?.close();
        this.#pixels = undefined;
        this.#video.write(readback.bytes);
      } else {
        if (!sameShape(this.#pixels, readback)) {
          this.#pixels?.close();
          this.#pixels = new Picture(layout, width, height, pitch);
        }
        pixels = this.#pixels;
        pixels?.write(readback.bytes);
      }
      this.#videoTime = time;
    } finally {
      readback.release();
    }
    if (pixels !== undefined) {
      const start = performance.now();
      await this.#converter.convert(pixels, this.#video);
      this.#times.time("convert", performance.now() - start);
    }
    this.#isFresh = true;
    this.#rest.moved();
  }

  async #encode(video: Picture): Promise<void> {
    const isKeyFrame = this.#keyFrameWanted;
    const isAtRest = !this.#isFresh;
    this.#keyFrameWanted = false;
    this.#isFresh = false;
    const start = performance.now();
    // A key frame of a picture at rest begins its sharpening anew.
    const unit = await this.#encoder.encode(video, { isKeyFrame, isAtRest, time: start });
    const end = performance.now();
    this.#times.time("encode", end - start);
    this.#times.count(isAtRest ? "repeated_frames" : "encoded_frames");
    this.#times.count("encoded_bytes", unit.payload.length);
    if (this.#closed) return;
    // A picture that is sent again is as old as the wish for it: times of a stream rise.
    const now = monotonicMicroseconds();
    this.#sink.send({ ...unit, time: isAtRest ? now : this.#videoTime });
    if (!isAtRest) this.#times.time("mapped_to_socket", (now - this.#videoTime) / 1000);
    if (this.#isWatched) this.#rest.encoded(unit, isAtRest);
  }

  #closePictures(): void {
    this.#video?.close();
    this.#pixels?.close();
    this.#video = undefined;
    this.#pixels = undefined;
  }
}

function sameShape(picture: Picture | undefined, readback: Readback): boolean {
  return (
    picture?.layout === readback.layout &&
    picture.width === readback.width &&
    picture.height === readback.height
  );
}
