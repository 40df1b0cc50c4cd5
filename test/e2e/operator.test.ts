import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type DecodedFrame,
  grabFrame,
  launchBrowser,
  waitForFrames,
} from "#test/support/browser.ts";
import { psnr } from "#test/support/psnr.ts";
import { Stack } from "#test/support/stack.ts";

// What an operator does in the viewer, through all processes to an unmodified three.js program.

const SIZE = { width: 480, height: 270 };

let browser: Browser;
let stack: Stack;
beforeAll(async () => {
  [browser, stack] = await Promise.all([launchBrowser(SIZE), Stack.start()]);
  stack.run("three-orbit.js");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await browser.close();
});

async function openViewer(role: "view" | "control" = "control"): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewport(SIZE);
  await page.goto(await stack.viewerLink(role));
  await page.waitForSelector('body[data-state="live"][data-first-frame]');
  return page;
}

/** PSNR of two pictures; minus infinity where their sizes differ. */
function likeness(a: DecodedFrame, b: DecodedFrame): number {
  if (a.data.length !== b.data.length) return Number.NEGATIVE_INFINITY;
  return psnr(new Uint8Array(a.data.buffer), new Uint8Array(b.data.buffer));
}

/** Waits for a frame of which `wanted` is true: the picture of what was just done. */
async function frameWhere(
  page: Page,
  wanted: (frame: DecodedFrame) => boolean,
): Promise<DecodedFrame> {
  for (;;) {
    await waitForFrames(page, 1);
    const frame = await grabFrame(page);
    if (wanted(frame)) return frame;
  }
}

/** Stops the scene's own motion at its beginning, so that what changes is the operator's doing. */
async function holdStill(page: Page): Promise<DecodedFrame> {
  await page.bringToFront();
  await page.keyboard.press("r");
  let last = await frameWhere(page, ({ width }) => width === SIZE.width);
  for (;;) {
    const before = last;
    last = await frameWhere(page, () => true);
    if (likeness(before, last) > 45) return last;
  }
}

describe("an operator", () => {
  test("turns the camera by dragging, and a second viewer sees it", async () => {
    const page = await openViewer();
    const other = await openViewer("view");
    const before = await holdStill(page);
    await page.mouse.move(SIZE.width / 2, SIZE.height / 2);
    await page.mouse.down();
    await page.mouse.move(SIZE.width / 2 + 120, SIZE.height / 2, { steps: 6 });
    await page.mouse.up();
    const after = await frameWhere(page, (frame) => likeness(frame, before) < 20);
    expect(likeness(after, before)).toBeLessThan(20);
    const seen = await frameWhere(other, (frame) => likeness(frame, before) < 20);
    expect(seen.width).toBe(SIZE.width);
    await other.close();
    await page.close();
  });

  test("zooms by the wheel", async () => {
    const page = await openViewer();
    const before = await holdStill(page);
    await page.mouse.move(SIZE.width / 2, SIZE.height / 2);
    await page.mouse.wheel({ deltaY: 400 });
    const after = await frameWhere(page, (frame) => likeness(frame, before) < 24);
    expect(after.width).toBe(before.width);
    await page.close();
  });

  test("resizes the program by resizing the window", async () => {
    const page = await openViewer();
    await page.setViewport({ width: 400, height: 400 });
    const frame = await frameWhere(page, ({ width, height }) => width === 400 && height === 400);
    expect([frame.width, frame.height]).toEqual([400, 400]);
    await page.close();
  });

  test("sees a frame within a second of a reload", async () => {
    const page = await openViewer();
    await page.reload();
    await page.waitForSelector("body[data-first-frame]");
    const milliseconds = Number(await page.$eval("body", (body) => body.dataset["firstFrame"]));
    console.log(`Reload to first frame: ${milliseconds} ms`);
    expect(milliseconds).toBeLessThan(1_000);
    await page.close();
  });

  test("who may only view changes nothing", async () => {
    const page = await openViewer();
    const other = await openViewer("view");
    const before = await holdStill(page);
    await other.bringToFront();
    await other.mouse.move(100, 100);
    await other.mouse.down();
    await other.mouse.move(300, 100, { steps: 6 });
    await other.mouse.up();
    // The controller's colour key arrives after the viewer's drag would have.
    await page.bringToFront();
    await page.keyboard.press("c");
    await frameWhere(page, (frame) => likeness(frame, before) < 24);
    await page.keyboard.press("r");
    const after = await frameWhere(page, (frame) => likeness(frame, before) > 35);
    expect(likeness(after, before)).toBeGreaterThan(35);
    await other.close();
    await page.close();
  });
});
