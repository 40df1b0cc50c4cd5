/// <reference lib="dom" />
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "puppeteer-core";

/** In `plain`, a square of another colour after each press: its middle, as parts of the picture. */
const MARKER = { x: 0.06, y: 0.88 };

/** Decoded colours of one field differ by less, those of two fields by more (of 255 in a channel). */
const CHANGE = 90;

const SEEN_TIMEOUT_MS = 5_000;
/** Between clicks, so that the next begins on a picture at peace; random, so that its phase is. */
const PAUSE_MS = 150;
const RANDOM_PAUSE_MS = 100;

/** In the page: looks out for the next click and the change that follows it. */
type Watcher = { arm: () => void; seen: Promise<number> };

declare global {
  // oxlint-disable-next-line no-var
  var benchWatcher: Watcher;
}

/**
 * Clicks into the picture so many times, and returns for each the milliseconds from the event in the
 * page to the changed pixel in a frame that requestVideoFrameCallback announces.
 */
export async function clickUntilSeen(page: Page, clicks: number): Promise<number[]> {
  await page.evaluate(installWatcher, MARKER, CHANGE, SEEN_TIMEOUT_MS);
  const { x, y } = await page.$eval("video", (video) => {
    const box = video.getBoundingClientRect();
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  });
  await page.mouse.move(x, y);
  const times: number[] = [];
  for (let click = 0; click < clicks; click++) {
    await delay(PAUSE_MS + Math.random() * RANDOM_PAUSE_MS);
    await page.evaluate(() => benchWatcher.arm());
    await page.mouse.down();
    times.push(await page.evaluate(() => benchWatcher.seen));
    await page.mouse.up();
  }
  return times;
}

/** Runs in the page. */
function installWatcher(marker: { x: number; y: number }, change: number, timeout: number): void {
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (video === null || context === null) throw new Error("The page shows no video.");
  const pixel = (): Uint8ClampedArray => {
    const { videoWidth, videoHeight } = video;
    context.drawImage(video, marker.x * videoWidth, marker.y * videoHeight, 1, 1, 0, 0, 1, 1);
    return context.getImageData(0, 0, 1, 1).data;
  };
  const isOther = (a: Uint8ClampedArray, b: Uint8ClampedArray): boolean =>
    [0, 1, 2].some((channel) => Math.abs(a[channel]! - b[channel]!) > change);
  const watchOnce = (resolve: (milliseconds: number) => void): void => {
    const before = pixel();
    let clickedAt: number | undefined;
    const clicked = ({ timeStamp }: PointerEvent): void => {
      clickedAt = timeStamp;
    };
    addEventListener("pointerdown", clicked, { capture: true, once: true });
    const look = (): void => {
      const now = performance.now();
      if (clickedAt !== undefined && isOther(before, pixel())) resolve(now - clickedAt);
      else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };
  globalThis.benchWatcher = {
    seen: Promise.resolve(Number.NaN),
    arm() {
      this.seen = new Promise((resolve, reject) => {
        watchOnce(resolve);
        setTimeout(() => reject(new Error("No click was seen in time.")), timeout);
      });
    },
  };
}
