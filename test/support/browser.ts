/// <reference lib="dom" />
import { homedir } from "node:os";
import path from "node:path";
import { type Browser, type Page, launch } from "puppeteer-core";
import { unpackChromium } from "./chromium.ts";

// A real browser for tests: it decodes H.264 over WebRTC and needs nothing installed.

const LEAN_ARGUMENTS = [
  "--no-sandbox",
  "--no-zygote",
  "--no-first-run",
  "--no-default-browser-check",
  "--no-pings",
  "--mute-audio",
  "--hide-scrollbars",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--disable-breakpad",
  "--disable-extensions",
  "--disable-default-apps",
  "--disable-dev-shm-usage",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-background-networking",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
  "--disable-client-side-phishing-detection",
  "--autoplay-policy=no-user-gesture-required",
  "--font-render-hinting=none",
  "--force-color-profile=srgb",
  // Loopback addresses in ICE candidates stay addresses: no multicast DNS is needed to connect.
  "--disable-features=WebRtcHideLocalIpsWithMdns,Translate,MediaRouter,OptimizationHints",
];

export type BrowserOptions = {
  readonly width?: number;
  readonly height?: number;
  readonly deviceScaleFactor?: number;
  /** More command-line switches, e.g. for a browser that lacks something. */
  readonly arguments?: readonly string[];
};

/** Starts a headless Chromium with a profile of its own, which goes when it closes. The caller closes it. */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const chromium = await unpackChromium(path.join(homedir(), ".cache", "heliograph"));
  return launch({
    executablePath: chromium.executable,
    headless: "shell",
    env: { ...process.env, ...chromium.environment },
    ignoreDefaultArgs: ["--enable-automation"],
    args: [...LEAN_ARGUMENTS, ...(options.arguments ?? [])],
    defaultViewport: {
      width: options.width ?? 1280,
      height: options.height ?? 720,
      deviceScaleFactor: options.deviceScaleFactor ?? 1,
    },
  });
}

/** A viewer's page of its own that shows the session's picture. The caller closes it. */
export async function openLiveViewer(browser: Browser, link: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(link);
  await page.waitForSelector('body[data-state="live"][data-first-frame]');
  return page;
}

/** One decoded frame: `data` is RGBA, top row first. */
export type DecodedFrame = {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
};

/** The frame that the page's <video> shows now, at its own size. Fails when it has none. */
export async function grabFrame(page: Page): Promise<DecodedFrame> {
  const frame = await page.$eval("video", (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (width === 0 || height === 0) throw new Error("The video has no frame yet.");
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("The browser gives no 2D canvas.");
    context.drawImage(video, 0, 0);
    const bytes = context.getImageData(0, 0, width, height).data;
    let binary = "";
    for (let at = 0; at < bytes.length; at += 32_768) {
      binary += String.fromCharCode(...bytes.subarray(at, at + 32_768));
    }
    return { width, height, base64: btoa(binary) };
  });
  const bytes = Buffer.from(frame.base64, "base64");
  return {
    width: frame.width,
    height: frame.height,
    data: new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
}

/** Waits until `count` more frames were presented by the page's <video>. */
export async function waitForFrames(page: Page, count = 1): Promise<void> {
  await page.$eval(
    "video",
    (video, wanted) =>
      new Promise<void>((resolve) => {
        let seen = 0;
        const next = (): void => {
          seen += 1;
          if (seen >= wanted) resolve();
          else video.requestVideoFrameCallback(next);
        };
        video.requestVideoFrameCallback(next);
      }),
    count,
  );
}
