import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser } from "puppeteer-core";
import { MediaThread } from "#server/media/media-thread.ts";
import { DEFAULT_BITRATES, type FromMedia, LOOPBACK_ICE } from "#server/media/messages.ts";
import { MediaPage } from "./media-page.ts";
import type { NetworkOptions } from "./network.ts";
import { type SourceOptions, VideoSource } from "./video-source.ts";

type Picture = Pick<SourceOptions, "width" | "height" | "frameRate" | "background">;

/** A real media thread with one session, and what was told about it. */
export class MediaHost implements AsyncDisposable {
  readonly session = "session";
  readonly media: MediaThread;
  readonly #folder: string;
  readonly #browser: Browser;
  readonly #state: HostState;
  #viewers = 0;
  #workers = 0;

  private constructor(media: MediaThread, folder: string, browser: Browser, state: HostState) {
    this.media = media;
    this.#folder = folder;
    this.#browser = browser;
    this.#state = state;
  }

  static async start(browser: Browser): Promise<MediaHost> {
    const folder = await mkdtemp(path.join(tmpdir(), "media-"));
    const state = new HostState();
    const media = await MediaThread.start(
      { ice: LOOPBACK_ICE, bitrates: DEFAULT_BITRATES },
      (message) => state.receive(message),
      (error) => state.died(error),
    );
    return new MediaHost(media, folder, browser, state);
  }

  /** Opens the session (again) for a worker, and dials as one. */
  async source(picture: Picture): Promise<VideoSource> {
    return VideoSource.dial({ ...picture, ...(await this.expectWorker()) });
  }

  /** What a worker is to dial and say. */
  async expectWorker(): Promise<{ readonly socketPath: string; readonly nonce: string }> {
    const nonce = randomBytes(32).toString("hex");
    const socketPath = path.join(this.#folder, `worker-${++this.#workers}.sock`);
    await this.media.expectWorker({ session: this.session, socketPath, nonce });
    return { socketPath, nonce };
  }

  async view(options: { control?: boolean; network?: NetworkOptions } = {}): Promise<MediaPage> {
    this.#viewers += 1;
    const viewer = `viewer-${this.#viewers}`;
    const page = await MediaPage.open(this.#browser, this.media, viewer, options.network);
    this.#state.pages.push(page);
    this.media.post({
      type: "addViewer",
      session: this.session,
      viewer,
      control: options.control ?? true,
    });
    return page;
  }

  /** Resolves with the first message of this type, past or to come, that fits. */
  async told<T extends FromMedia["type"]>(
    type: T,
    fits: (message: Extract<FromMedia, { type: T }>) => boolean = () => true,
  ): Promise<Extract<FromMedia, { type: T }>> {
    const isOfType = (message: FromMedia): message is Extract<FromMedia, { type: T }> =>
      message.type === type;
    for (;;) {
      const found = this.#state.messages.filter(isOfType).find(fits);
      if (found !== undefined) return found;
      await this.#state.next();
    }
  }

  get messages(): readonly FromMedia[] {
    return this.#state.messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.media.close();
    await rm(this.#folder, { recursive: true });
    if (this.#state.failure !== undefined) throw this.#state.failure;
  }
}

class HostState {
  readonly messages: FromMedia[] = [];
  readonly pages: MediaPage[] = [];
  failure: Error | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  receive(message: FromMedia): void {
    this.messages.push(message);
    for (const page of this.pages) {
      page.receive(message).catch((cause: unknown) => {
        this.died(new Error("A page fails.", { cause }));
      });
    }
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  died(error: Error): void {
    this.failure = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  next(): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }
}
