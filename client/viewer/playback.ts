import type { Size } from "./geometry.ts";

export type PlaybackEvents = {
  /** The first frame of the stream is on the page. */
  readonly playing: () => void;
  readonly resized: (size: Size) => void;
  /** The browser wants a person's click before it plays; `play()` is to be called from one. */
  readonly blocked: () => void;
};

/**
 * The video element, and over it a still of the last frame for the time in which there is no video:
 * an element forgets its frame as soon as it gets another stream.
 */
export class Playback {
  readonly #video: HTMLVideoElement;
  readonly #still: HTMLCanvasElement;
  readonly #events: PlaybackEvents;
  /** A frame of the stream is shown. Until then the element is black, of a size of its own making. */
  #playing = false;
  /** The stream whose first frame is awaited. */
  #awaited: MediaStream | undefined;

  constructor(video: HTMLVideoElement, still: HTMLCanvasElement, events: PlaybackEvents) {
    this.#video = video;
    this.#still = still;
    this.#events = events;
    video.addEventListener("resize", () => this.#measure());
    // Browsers pause the video of a hidden page and do not always start it again.
    video.ownerDocument.addEventListener("visibilitychange", () => {
      if (video.ownerDocument.visibilityState === "visible" && video.paused) this.play();
    });
  }

  show(stream: MediaStream): void {
    this.freeze();
    this.#awaited = stream;
    this.#video.srcObject = stream;
    this.#onFirstFrame(stream, () => {
      this.#playing = true;
      this.#measure();
      this.#still.hidden = true;
      this.#events.playing();
    });
    this.play();
  }

  play(): void {
    if (this.#video.srcObject === null) return;
    this.#video.play().catch((error: unknown) => {
      // Other rejections say that a newer stream took this one's place.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#events.blocked();
    });
  }

  /**
   * Keeps the frame that is shown now on the page until another stream's first. To be called before the
   * stream's connection closes: Chrome ends a stream with a black frame.
   */
  freeze(): void {
    this.#awaited = undefined;
    if (!this.#playing) return;
    this.#playing = false;
    const { videoWidth: width, videoHeight: height } = this.#video;
    this.#still.width = width;
    this.#still.height = height;
    this.#still.getContext("2d")?.drawImage(this.#video, 0, 0);
    this.#still.hidden = false;
  }

  /** Leaves no picture on the page. */
  clear(): void {
    this.#playing = false;
    this.#awaited = undefined;
    this.#video.srcObject = null;
    this.#still.hidden = true;
    this.#still.width = 0;
  }

  #measure(): void {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (this.#playing && width > 0 && height > 0) this.#events.resized({ width, height });
  }

  #onFirstFrame(stream: MediaStream, then: () => void): void {
    const video = this.#video;
    const ifCurrent = (): void => {
      if (this.#awaited === stream) then();
    };
    if (typeof video.requestVideoFrameCallback === "function") {
      video.requestVideoFrameCallback(ifCurrent);
    } else {
      video.addEventListener("loadeddata", ifCurrent, { once: true });
    }
  }
}
