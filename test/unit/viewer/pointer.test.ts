import { describe, expect, test } from "vitest";
import { LatestMoves } from "#client/viewer/input/latest-moves.ts";
import { modifierBits } from "#client/viewer/input/modifiers.ts";
import { wheelPixels } from "#client/viewer/input/wheel-travel.ts";
import { MAX_WHEEL_DELTA } from "#shared/input/codec.ts";
import type { PointerInput } from "#shared/input/events.ts";

const move = (x: number, pointerId = 1): PointerInput => ({
  type: "pointermove",
  x,
  y: 0,
  button: -1,
  buttons: 0,
  modifiers: 0,
  pointerId,
  pointerType: "mouse",
});

function movesWithFrames(): {
  moves: LatestMoves;
  sent: number[];
  frame: () => void;
  asked: () => number;
} {
  const sent: number[] = [];
  const frames: (() => void)[] = [];
  const moves = new LatestMoves(
    ({ x }) => sent.push(x),
    (callback) => frames.push(callback),
  );
  return { moves, sent, frame: () => frames.shift()?.(), asked: () => frames.length };
}

describe("moves of a pointer", () => {
  test("go at once when they are the first of a frame, and after it only the latest", () => {
    const { moves, sent, frame } = movesWithFrames();
    moves.offer(move(0.1));
    expect(sent).toEqual([0.1]);
    moves.offer(move(0.2));
    moves.offer(move(0.3));
    expect(sent).toEqual([0.1]);
    frame();
    expect(sent).toEqual([0.1, 0.3]);
  });

  test("ask for no more frames once the pointer rests", () => {
    const { moves, sent, frame, asked } = movesWithFrames();
    moves.offer(move(0.1));
    expect(asked()).toBe(1);
    frame();
    expect(asked()).toBe(0);
    moves.offer(move(0.2));
    expect(sent).toEqual([0.1, 0.2]);
  });

  test("of two fingers do not displace each other", () => {
    const { moves, sent, frame } = movesWithFrames();
    moves.offer(move(0.1, 1));
    moves.offer(move(0.5, 2));
    moves.offer(move(0.2, 1));
    moves.offer(move(0.6, 2));
    expect(sent).toEqual([0.1, 0.5]);
    frame();
    expect(sent).toEqual([0.1, 0.5, 0.2, 0.6]);
  });

  test("from before a press are not sent after it", () => {
    const { moves, sent, frame } = movesWithFrames();
    moves.offer(move(0.1));
    moves.offer(move(0.2));
    moves.drop(1);
    frame();
    expect(sent).toEqual([0.1]);
  });
});

describe("wheel travel", () => {
  const picture = { width: 800, height: 600 };
  test.each([
    ["in pixels stays", { deltaX: 3, deltaY: -120, deltaMode: 0 }, [3, -120]],
    ["in lines", { deltaX: 1, deltaY: 3, deltaMode: 1 }, [16, 48]],
    ["in pages", { deltaX: 1, deltaY: -1, deltaMode: 2 }, [800, -600]],
    ["at the limit", { deltaX: MAX_WHEEL_DELTA, deltaY: 0, deltaMode: 0 }, [MAX_WHEEL_DELTA, 0]],
    [
      "over the limit is cut",
      { deltaX: 0, deltaY: -MAX_WHEEL_DELTA - 1, deltaMode: 0 },
      [0, -MAX_WHEEL_DELTA],
    ],
  ])("%s", (_name, travel, [deltaX, deltaY]) => {
    expect(wheelPixels(travel, picture)).toEqual({ deltaX, deltaY });
  });
});

test("modifiers are bits", () => {
  const none = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
  expect(modifierBits(none)).toBe(0);
  expect(modifierBits({ ...none, shiftKey: true })).toBe(1);
  expect(modifierBits({ ...none, ctrlKey: true })).toBe(2);
  expect(modifierBits({ ...none, altKey: true })).toBe(4);
  expect(modifierBits({ ...none, metaKey: true })).toBe(8);
});
