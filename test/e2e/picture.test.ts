import { fileURLToPath } from "node:url";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type DecodedFrame,
  grabFrame,
  launchBrowser,
  waitForFrames,
} from "#test/support/browser.ts";
import { runDirect } from "#test/support/direct-run.ts";
import { psnr } from "#test/support/psnr.ts";
import { Stack } from "#test/support/stack.ts";

// What the operator's browser decodes, against the same program drawn by Dawn in this machine.

const SIZE = { width: 1280, height: 720 };
const STILL_LIFE = fileURLToPath(new URL("scenes/still-life.js", import.meta.url));

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser(SIZE);
});
afterAll(() => browser.close());

/** A page that shows the session, at the size that its window asks for. */
async function openViewer(stack: Stack): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewport(SIZE);
  await page.goto(await stack.viewerLink());
  await page.waitForFunction(
    ({ width, height }) => {
      const video = document.querySelector("video");
      return video?.videoWidth === width && video.videoHeight === height;
    },
    {},
    SIZE,
  );
  return page;
}

function bytesOf({ data }: { readonly data: Uint8ClampedArray }): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Rows in the opposite order. */
function upsideDown(rgba: Uint8Array, width: number): Uint8Array {
  const row = width * 4;
  const flipped = new Uint8Array(rgba.length);
  for (let at = 0; at < rgba.length; at += row) {
    flipped.set(rgba.subarray(at, at + row), rgba.length - row - at);
  }
  return flipped;
}

describe("the picture in the browser", () => {
  test("is that of Dawn directly, the right way up, at 32 dB or better", async () => {
    await using direct = runDirect(STILL_LIFE, { size: SIZE });
    await direct.frames(3);
    const expected = bytesOf(await direct.capture());
    await direct[Symbol.asyncDispose]();
    await using stack = await Stack.start();
    stack.run(STILL_LIFE, { args: ["--size=1280x720"] });
    const page = await openViewer(stack);
    // The picture that a page joins on is a key frame of a still scene: it needs no second chance.
    await waitForFrames(page, 1);
    const seen = bytesOf(await grabFrame(page));
    const quality = psnr(seen, expected);
    console.log(`PSNR of the still life at 1280x720: ${quality.toFixed(1)} dB`);
    expect(quality).toBeGreaterThanOrEqual(32);
    expect(psnr(upsideDown(seen, SIZE.width), expected)).toBeLessThan(20);
    await page.close();
  });

  test("has the colours of the bars, within 3 of 255 in each channel", async () => {
    await using stack = await Stack.start();
    stack.run("colour-bars.js", { args: ["--size=1280x720"] });
    const page = await openViewer(stack);
    await waitForFrames(page, 1);
    const frame = await grabFrame(page);
    const bars = [0b111, 0b110, 0b011, 0b010, 0b101, 0b100, 0b001, 0b000];
    const seen = bars.map((_, bar) => colourAt(frame, (bar + 0.5) / bars.length));
    const wanted = bars.map((bar) => [4, 2, 1].map((bit) => ((bar & bit) !== 0 ? 235 : 20)));
    const worst = Math.max(
      ...seen.flatMap((colour, bar) =>
        colour.map((value, channel) => Math.abs(value - wanted[bar]![channel]!)),
      ),
    );
    console.log(`Largest difference of a bar's channel: ${worst} of 255`);
    expect(worst).toBeLessThanOrEqual(3);
    await page.close();
  });
});

function colourAt({ data, width, height }: DecodedFrame, across: number): number[] {
  const at = (Math.floor(height / 2) * width + Math.floor(across * width)) * 4;
  return [data[at]!, data[at + 1]!, data[at + 2]!];
}
