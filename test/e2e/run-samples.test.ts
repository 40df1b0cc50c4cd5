import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Pixels } from "#client/run/paint.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { runDirect } from "#test/support/direct-run.ts";

// The samples on Dawn directly: what the remote ones are compared with elsewhere.

const FRAMES_TO_ANSWER = 4;

function sample(name: string): string {
  return fileURLToPath(new URL(`../../public/samples/${name}.js`, import.meta.url));
}

function pixel({ width, height, data }: Pixels, x: number, y: number): number[] {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 4;
  return Array.from(data.subarray(at, at + 3));
}

/** The mean difference of two pictures' channels, of 255. */
function difference(a: Pixels, b: Pixels): number {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  return (
    a.data.reduce((sum, value, at) => sum + Math.abs(value - (b.data[at] ?? 0)), 0) / a.data.length
  );
}

function counter(picture: Pixels): number {
  const bits = Array.from({ length: 16 }, (_, block) => {
    return (pixel(picture, (block + 0.5) / 16, 0.05)[0] ?? 0) > 127 ? 1 : 0;
  });
  return Number.parseInt(bits.join(""), 2);
}

function key(code: string, name: string): InputEvent {
  return { type: "keydown", code, key: name, repeat: false, modifiers: 0 };
}

function pointer(type: "pointerdown" | "pointermove" | "pointerup", x: number): InputEvent {
  const buttons = type === "pointerup" ? 0 : 1;
  const button = type === "pointermove" ? -1 : 0;
  return { type, x, y: 0.5, button, buttons, modifiers: 0, pointerId: 1, pointerType: "mouse" };
}

test("colour-bars shows its eight colours from left to right, at every size", async () => {
  await using run = runDirect(sample("colour-bars"));
  const expected = [
    [235, 235, 235],
    [235, 235, 20],
    [20, 235, 235],
    [20, 235, 20],
    [235, 20, 235],
    [235, 20, 20],
    [20, 20, 235],
    [20, 20, 20],
  ];
  const bars = (picture: Pixels) => expected.map((_, bar) => pixel(picture, (bar + 0.5) / 8, 0.5));
  await run.frames(1);
  expect(bars(await run.capture())).toEqual(expected);
  run.input({ type: "resize", width: 400, height: 200, devicePixelRatio: 2 });
  await run.frames(FRAMES_TO_ANSWER);
  const resized = await run.capture();
  expect([resized.width, resized.height]).toEqual([400, 200]);
  expect(bars(resized)).toEqual(expected);
});

describe("plain", () => {
  test("counts its frames in blocks across the top", async () => {
    await using run = runDirect(sample("plain"));
    await run.frames(2);
    const first = counter(await run.capture());
    await run.frames(10);
    const later = counter(await run.capture());
    expect(first).toBeGreaterThanOrEqual(2);
    // A picture may be one frame ahead of what was reported as finished.
    expect(later - first).toBeGreaterThanOrEqual(9);
    expect(later - first).toBeLessThanOrEqual(20);
  });

  test("changes its square's colour at every press, and at nothing else", async () => {
    await using run = runDirect(sample("plain"));
    const square = async () => {
      await run.frames(FRAMES_TO_ANSWER);
      return pixel(await run.capture(), 0.05, 0.9);
    };
    expect(await square()).toEqual([255, 0, 0]);
    run.input(pointer("pointermove", 0.5));
    expect(await square()).toEqual([255, 0, 0]);
    run.input(pointer("pointerdown", 0.5));
    run.input(pointer("pointerup", 0.5));
    expect(await square()).toEqual([0, 255, 0]);
    run.input(key("KeyA", "a"));
    expect(await square()).toEqual([0, 0, 255]);
  });
});

describe("three-orbit", () => {
  test("is turned by dragging, put back by a key, and coloured by another", async () => {
    await using run = runDirect(sample("three-orbit"), { size: { width: 320, height: 180 } });
    // The drag's damping needs some frames to come to rest.
    const atRest = async () => {
      await run.frames(60);
      return run.capture();
    };
    await run.frames(2);
    run.input(key("KeyR", "r"));
    const start = await atRest();
    expect(difference(start, await atRest())).toBe(0);
    run.input(pointer("pointerdown", 0.5));
    run.input(pointer("pointermove", 0.7));
    run.input(pointer("pointerup", 0.7));
    expect(difference(start, await atRest())).toBeGreaterThan(5);
    run.input(key("KeyR", "r"));
    expect(difference(start, await atRest())).toBeLessThan(0.5);
    run.input(key("KeyC", "c"));
    expect(difference(start, await atRest())).toBeGreaterThan(2);
  });

  test("follows the window's size", async () => {
    await using run = runDirect(sample("three-orbit"), { size: { width: 320, height: 180 } });
    await run.frames(2);
    run.input({ type: "resize", width: 240, height: 200, devicePixelRatio: 0.5 });
    await run.frames(FRAMES_TO_ANSWER);
    const { width, height } = await run.capture();
    expect([width, height]).toEqual([240, 200]);
  });
});

test.for(["draw-heavy", "three-heavy"])("%s draws something else each frame", async (name) => {
  await using run = runDirect(sample(name), { size: { width: 160, height: 90 } });
  await run.frames(1);
  const first = await run.capture();
  await run.frames(3);
  expect(difference(first, await run.capture())).toBeGreaterThan(0.5);
});
