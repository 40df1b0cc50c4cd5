import { connect } from "node:net";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_BITRATES } from "#server/media/messages.ts";
import { MAX_INPUTS_PER_SECOND } from "#server/media/viewer.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { INPUT_CHANNEL, MOVES_CHANNEL } from "#shared/signaling/messages.ts";
import { launchBrowser } from "#test/support/browser.ts";
import { MediaHost } from "./media-host.ts";
import { isMedia, isRetransmission } from "./network.ts";

// The media thread with a real encoder's stream on one side and a real browser on the other.

const HD = { width: 1280, height: 720, frameRate: 30, background: "scrolling" } as const;
const SMALL = { width: 384, height: 216, frameRate: 30, background: "scrolling" } as const;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
});

const key: InputEvent = { type: "keydown", code: "KeyA", key: "a", repeat: false, modifiers: 0 };
const move: InputEvent = {
  type: "pointermove",
  x: 0.5,
  y: 0.25,
  button: -1,
  buttons: 0,
  modifiers: 0,
  pointerId: 1,
  pointerType: "mouse",
};

describe("a viewer on a good network", () => {
  test("shows 720p at 30 frames a second for 5 s and loses no frame", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(HD);
    await using page = await host.view();
    source.start();
    await page.frame(0);
    const [first] = await page.frames();
    await page.frame(first!.number + 150);
    await source.stop();
    await page.frame(source.lastNumber);
    const sent = source.lastNumber - first!.number + 1;
    const video = await page.video();
    expect(video).toMatchObject({ packetsLost: 0, framesDropped: 0, pliCount: 0 });
    expect(video.framesDecoded).toBeGreaterThanOrEqual(sent);
    expect(video.keyFramesDecoded).toBe(1);
    const frames = await page.frames();
    const seconds = (frames.at(-1)!.at - frames[0]!.at) / 1000;
    expect(sent / seconds).toBeGreaterThan(29);
    expect(video.jitterBufferDelay / video.jitterBufferEmittedCount).toBeLessThan(0.03);
  });

  test("is thought to take the full bitrate, though the picture needs little", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source({ ...SMALL, background: "still" });
    await using page = await host.view();
    source.start();
    const stats = await page.stats(({ estimate }) => estimate === DEFAULT_BITRATES.max);
    expect(stats.targetBitrate).toBe(DEFAULT_BITRATES.max);
    await host.told("stats", ({ targetBitrate }) => targetBitrate === DEFAULT_BITRATES.max);
    expect(source.bitrate).toBe(DEFAULT_BITRATES.max);
  });

  test("follows its session's bound down and up while it watches", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source({ ...SMALL, background: "still" });
    host.media.post({ type: "limitBitrate", session: host.session, maxBitrate: 1_000_000 });
    await using page = await host.view();
    source.start();
    for (const maxBitrate of [1_000_000, 500_000, 2_000_000]) {
      host.media.post({ type: "limitBitrate", session: host.session, maxBitrate });
      await page.stats((told) => told.estimate === maxBitrate && told.targetBitrate === maxBitrate);
      expect(source.bitrate).toBe(maxBitrate);
    }
  });

  test("sees a frame within 1 s of a reload, and others see on", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using other = await host.view();
    source.start();
    await other.frame(0);
    const before = source.lastNumber;
    {
      await using page = await host.view();
      await page.frame(before);
    }
    const began = performance.now();
    await using reloaded = await host.view();
    await reloaded.frame(before);
    expect(performance.now() - began).toBeLessThan(1000);
    await other.frame(source.lastNumber);
    expect(await other.video()).toMatchObject({ framesDropped: 0, pliCount: 0 });
  });

  test("gets stats", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using page = await host.view();
    source.start();
    const stats = await page.stats(
      ({ framesSent, roundTripMs }) => framesSent > 20 && roundTripMs !== undefined,
    );
    expect(stats).toMatchObject({ packetsLost: 0, framesDropped: 0, viewers: 1 });
    expect(stats.roundTripMs).toBeLessThan(200);
    expect(stats.presentToSentMs!.p50).toBeLessThan(50);
  });
});

describe("input", () => {
  test("arrives from a viewer in control, byte for byte, by both channels", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using page = await host.view();
    await source.sendFrame();
    await page.send(INPUT_CHANNEL, encodeInput(key));
    await page.send(MOVES_CHANNEL, encodeInput(move));
    const first = await host.told("input", ({ event }) => event[0] === encodeInput(key)[0]);
    expect(decodeInput(first.event)).toEqual(key);
    const second = await host.told("input", ({ event }) => event[0] === encodeInput(move)[0]);
    expect(decodeInput(second.event)).toEqual(move);
    expect(first).toMatchObject({ session: host.session, viewer: page.viewer });
  });

  test("goes nowhere from a viewer that is not in control", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using watcher = await host.view({ control: false });
    await using page = await host.view();
    await source.sendFrame();
    await watcher.send(INPUT_CHANNEL, encodeInput(key));
    await watcher.stats(() => true);
    await page.send(INPUT_CHANNEL, encodeInput(key));
    await host.told("input");
    const inputs = host.messages.filter(({ type }) => type === "input");
    expect(inputs).toMatchObject([{ viewer: page.viewer }]);
  });

  test.for([
    { what: "garbage", channel: INPUT_CHANNEL, bytes: Uint8Array.of(99), sentence: "kind (99)" },
    {
      what: "a key over the channel for moves",
      channel: MOVES_CHANNEL,
      bytes: encodeInput(key),
      sentence: "channel for moves",
    },
  ])("of $what ends the viewer with a sentence, and no other", async (wrong) => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using bad = await host.view();
    await using good = await host.view();
    source.start();
    await bad.send(wrong.channel, wrong.bytes);
    const ended = await host.told("viewerState", ({ state }) => state === "failed");
    expect(ended.viewer).toBe(bad.viewer);
    expect(ended.reason).toContain(wrong.sentence);
    await good.frame(source.lastNumber + 1);
  });
});

describe("input in a flood", () => {
  test("arrives up to the limit and then ends the viewer with a sentence", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using page = await host.view();
    await source.sendFrame();
    const arrived = (): number => host.messages.filter(({ type }) => type === "input").length;
    await page.send(INPUT_CHANNEL, encodeInput(key), MAX_INPUTS_PER_SECOND);
    await expect.poll(arrived, { timeout: 10_000 }).toBe(MAX_INPUTS_PER_SECOND);
    await page.send(INPUT_CHANNEL, encodeInput(key), 3 * MAX_INPUTS_PER_SECOND);
    const ended = await host.told("viewerState", ({ state }) => state === "failed");
    expect(ended.reason).toContain(`over ${MAX_INPUTS_PER_SECOND} input events`);
  });

  test("of moves loses some, and the viewer stays", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using page = await host.view();
    await source.sendFrame();
    await page.send(MOVES_CHANNEL, encodeInput(move), 4 * MAX_INPUTS_PER_SECOND);
    // Right behind the flood.
    await page.send(INPUT_CHANNEL, encodeInput(key));
    await host.told("input", ({ event }) => decodeInput(event).type === "keydown");
    const states = host.messages.filter(({ type }) => type === "viewerState");
    expect(states).toMatchObject([{ state: "connected" }]);
    const inputs = host.messages.filter(({ type }) => type === "input").length;
    expect(inputs).toBeLessThan(4 * MAX_INPUTS_PER_SECOND);
  });
});

describe("a bad network", () => {
  test("that loses 2 % is made good by retransmission, without a key frame", async () => {
    let count = 0;
    let isLossy = true;
    const loses = (datagram: Buffer): boolean => isLossy && isMedia(datagram) && ++count % 50 === 0;
    await using host = await MediaHost.start(browser);
    await using source = await host.source({ ...HD, background: "noisy" });
    await using page = await host.view({ network: { loses, delayMs: 5 } });
    source.start();
    await page.frame(0);
    const [first] = await page.frames();
    let wanted = first!.number + 120;
    await page.frame(wanted);
    // A busy machine encodes fewer packets a frame.
    while (page.network!.lost <= 55) await page.frame((wanted += 30));
    // Of the last frame nothing is lost: no later packet would show it.
    isLossy = false;
    await page.frame(wanted + 30);
    await source.stop();
    await page.frame(source.lastNumber);
    const video = await page.video();
    expect(video.retransmittedPacketsReceived).toBeGreaterThan(50);
    expect(video).toMatchObject({ framesDropped: 0, pliCount: 0, keyFramesDecoded: 1 });
    expect(video.framesDecoded).toBeGreaterThanOrEqual(source.lastNumber - first!.number + 1);
  });

  test("that loses all for half a second resumes by itself", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using page = await host.view({ network: {} });
    source.start();
    await page.frame(10);
    const before = source.lastNumber;
    page.network!.options = { loses: isMedia };
    await expect.poll(() => source.lastNumber, { timeout: 5000 }).toBeGreaterThan(before + 15);
    page.network!.options = {};
    await page.frame(before + 25);
    expect(page.network!.lost).toBeGreaterThan(15);
  });

  test("that loses retransmissions too is made good by a key frame", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using page = await host.view({ network: { loses: isRetransmission } });
    source.start();
    await page.frame(10);
    const before = source.lastNumber;
    const { keyFrames } = source;
    page.network!.options = { loses: isMedia };
    await expect.poll(() => source.lastNumber, { timeout: 5000 }).toBeGreaterThan(before + 5);
    page.network!.options = { loses: isRetransmission };
    await page.frame(before + 15);
    expect(source.keyFrames).toBeGreaterThan(keyFrames);
    expect((await page.video()).pliCount).toBeGreaterThan(0);
  });

  test("of 3 Mbit/s is found out, and the encoder told", async () => {
    const bottleneck = { bitsPerSecond: 3_000_000, queueMs: 200 };
    await using host = await MediaHost.start(browser);
    await using source = await host.source({ ...SMALL, background: "noisy" });
    await using page = await host.view({ network: { bottleneck, delayMs: 5 } });
    source.start();
    await page.stats(({ estimate }) => estimate < bottleneck.bitsPerSecond * 1.1);
    const settled = await page.stats(
      ({ bitrate, estimate }) =>
        estimate < bottleneck.bitsPerSecond * 1.1 && bitrate < bottleneck.bitsPerSecond * 1.1,
    );
    expect(settled.estimate).toBeGreaterThan(bottleneck.bitsPerSecond / 4);
    expect(source.bitrate).toBeLessThan(bottleneck.bitsPerSecond * 1.1);
  });
});

describe("a worker", () => {
  test("that dies leaves viewers with the last frame, and its successor's picture follows", async () => {
    await using host = await MediaHost.start(browser);
    await using source = await host.source(SMALL);
    await using viewer = await host.view();
    source.start();
    await viewer.frame(5);
    await source[Symbol.asyncDispose]();
    await using successor = await host.source({ ...SMALL, width: 640, height: 360 });
    successor.start();
    await viewer.page.waitForFunction(() => document.querySelector("video")?.videoWidth === 640, {
      timeout: 10_000,
    });
    const states = host.messages.filter(({ type }) => type === "viewerState");
    expect(states).toMatchObject([{ state: "connected" }]);
  });

  test("that says something wrong is cut off with a sentence", async () => {
    await using host = await MediaHost.start(browser);
    const nonce = "5a".repeat(32);
    host.media.post({ type: "openSession", session: host.session, nonce });
    const socket = connect(host.media.socketPath).resume();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(Buffer.concat([Buffer.from(nonce, "hex"), Buffer.alloc(17)]));
    const fault = await host.told("workerFault");
    expect(fault.reason).toContain("length (0 bytes)");
    await closed;
  });
});
