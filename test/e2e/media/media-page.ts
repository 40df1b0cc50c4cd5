/// <reference lib="dom" />
import type { Browser, Page } from "puppeteer-core";
import type { MediaThread } from "#server/media/media-thread.ts";
import type { FromMedia } from "#server/media/messages.ts";
import type { Candidate, Description, StatsMessage } from "#shared/signaling/messages.ts";
import { Network, type NetworkOptions } from "./network.ts";
import { BLOCK, NUMBER_BITS } from "./video-source.ts";

type ViewerMessage = { readonly description: Description } | { readonly candidate: Candidate };

/** What the page keeps for the test to read. */
type PageState = {
  peer: RTCPeerConnection;
  channels: Map<string, RTCDataChannel>;
  frames: { number: number; at: number }[];
  stats: StatsMessage[];
};
declare global {
  var state: PageState;
  function toMedia(message: ViewerMessage): void;
}

export type VideoStats = {
  readonly framesReceived: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly packetsLost: number;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly keyFramesDecoded: number;
  readonly retransmittedPacketsReceived: number;
  readonly jitterBufferDelay: number;
  readonly jitterBufferEmittedCount: number;
  readonly totalDecodeTime: number;
};

/** A browser page that views a session, signaling by way of the test instead of a gateway. */
export class MediaPage implements AsyncDisposable {
  readonly page: Page;
  readonly viewer: string;
  readonly #media: MediaThread;
  readonly #conditions: NetworkOptions | undefined;
  network: Network | undefined;
  #closed = false;

  private constructor(
    page: Page,
    viewer: string,
    media: MediaThread,
    conditions: NetworkOptions | undefined,
  ) {
    this.page = page;
    this.viewer = viewer;
    this.#media = media;
    this.#conditions = conditions;
  }

  /** With `conditions`, all goes through a network that has them. */
  static async open(
    browser: Browser,
    media: MediaThread,
    viewer: string,
    conditions?: NetworkOptions,
  ): Promise<MediaPage> {
    const page = await browser.newPage();
    await page.exposeFunction("toMedia", (message: ViewerMessage) => {
      if ("description" in message) media.post({ type: "description", viewer, ...message });
      // A server that knows the browser's own address would go past the network.
      else if (conditions === undefined) media.post({ type: "candidate", viewer, ...message });
    });
    await page.evaluate(viewInPage, BLOCK, NUMBER_BITS);
    return new MediaPage(page, viewer, media, conditions);
  }

  /** To be given every message from the media thread. */
  async receive(message: FromMedia): Promise<void> {
    try {
      await this.#receive(message);
    } catch (error) {
      // What is under way to a page that closes fails.
      if (!this.#closed) throw error;
    }
  }

  async #receive(message: FromMedia): Promise<void> {
    if (message.type === "description" && message.viewer === this.viewer) {
      await this.page.evaluate(answerInPage, message.description);
    }
    if (message.type === "candidate" && message.viewer === this.viewer && message.candidate) {
      const candidate = await this.#reachable(message.candidate);
      await this.page.evaluate((added) => state.peer.addIceCandidate(added), candidate);
    }
  }

  /** Resolves when a frame with this number or a later one was shown. */
  async frame(number: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => (state.frames.at(-1)?.number ?? -1) >= wanted,
      { polling: 20, timeout: 20_000 },
      number,
    );
  }

  /** Frames that were shown, as numbers and times of the page's clock. */
  async frames(): Promise<{ number: number; at: number }[]> {
    return this.page.evaluate(() => state.frames);
  }

  async video(): Promise<VideoStats> {
    return this.page.evaluate(async () => {
      for (const report of (await state.peer.getStats()).values()) {
        if (report.type === "inbound-rtp" && report.kind === "video") return report;
      }
      throw new Error("The page receives no video.");
    });
  }

  /** Resolves with the first stats message that fits. */
  async stats(fits: (message: StatsMessage) => boolean): Promise<StatsMessage> {
    for (;;) {
      const messages = await this.page.evaluate(() => state.stats);
      const found = messages.find(fits);
      if (found !== undefined) return found;
      await this.page.waitForFunction(
        (count) => state.stats.length > count,
        { polling: 100, timeout: 20_000 },
        messages.length,
      );
    }
  }

  async send(channel: string, bytes: Uint8Array, times = 1): Promise<void> {
    await this.page.waitForFunction(
      (label) => state.channels.get(label)?.readyState === "open",
      { polling: 20, timeout: 20_000 },
      channel,
    );
    await this.page.evaluate(
      (label, values, count) => {
        const opened = state.channels.get(label)!;
        for (let sent = 0; sent < count; sent += 1) opened.send(Uint8Array.from(values));
      },
      channel,
      [...bytes],
      times,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#media.post({ type: "removeViewer", viewer: this.viewer });
    await this.page.close();
    this.network?.[Symbol.dispose]();
  }

  async #reachable(candidate: Candidate): Promise<Candidate> {
    if (this.#conditions === undefined) return candidate;
    const fields = candidate.candidate.split(" ");
    this.network = await Network.between(Number(fields[5]), this.#conditions);
    fields[5] = String(this.network.port);
    return { ...candidate, candidate: fields.join(" ") };
  }
}

/** Runs in the page. */
function viewInPage(block: number, bits: number): void {
  const peer = new RTCPeerConnection();
  const video = document.createElement("video");
  video.muted = true;
  video.autoplay = true;
  document.body.append(video);
  const canvas = new OffscreenCanvas(block * bits, block);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const state: PageState = { peer, channels: new Map(), frames: [], stats: [] };
  globalThis.state = state;
  peer.addEventListener("track", (event) => {
    event.receiver.jitterBufferTarget = 0;
    video.srcObject = new MediaStream([event.track]);
  });
  peer.addEventListener("datachannel", ({ channel }) => {
    state.channels.set(channel.label, channel);
    if (channel.label === "stats") {
      channel.addEventListener("message", ({ data }) => {
        state.stats.push(JSON.parse(String(data)));
      });
    }
  });
  peer.addEventListener("icecandidate", ({ candidate }) => {
    if (candidate !== null && candidate.candidate !== "") {
      const { sdpMid, sdpMLineIndex } = candidate;
      toMedia({ candidate: { candidate: candidate.candidate, sdpMid, sdpMLineIndex } });
    }
  });
  const show = (): void => {
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, block * bits, block);
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const pixel = (block / 2) * block * bits + bit * block + block / 2;
      if (data[pixel * 4]! > 128) number |= 1 << bit;
    }
    const marker = 2 ** (bits - 1);
    if (number >= marker) state.frames.push({ number: number - marker, at: performance.now() });
    video.requestVideoFrameCallback(show);
  };
  video.requestVideoFrameCallback(show);
}

/** Runs in the page. */
async function answerInPage(offer: Description): Promise<void> {
  await state.peer.setRemoteDescription(offer);
  await state.peer.setLocalDescription();
  const { sdp } = state.peer.localDescription!;
  toMedia({ description: { type: "answer", sdp } });
}
