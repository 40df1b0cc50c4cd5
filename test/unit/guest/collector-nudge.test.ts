import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CollectorNudge } from "#client/guest/collector-nudge.ts";
import { MAX_SESSION_OBJECTS } from "#server/replay/object-budget.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";

const MEBIBYTE = 2 ** 20;

let looks: number;
let nudge: CollectorNudge;
beforeEach(() => {
  vi.useFakeTimers();
  looks = 0;
  nudge = new CollectorNudge(() => looks++);
});
afterEach(() => {
  vi.useRealTimers();
});

function make(count: number, bytes = 0, kind: number = ObjectKind.GPUBuffer): void {
  for (let made = 0; made < count; made++) nudge.made(kind, bytes);
}

describe("the collector is asked to look", () => {
  test.for([
    { after: "one object less than is waited for", count: 8191, bytes: 16, asked: 0 },
    { after: "as many objects as are waited for", count: 8192, bytes: 16, asked: 1 },
    {
      after: "two buffers, a byte short of the bytes",
      count: 2,
      bytes: 64 * MEBIBYTE - 1,
      asked: 0,
    },
    { after: "two buffers of half the bytes", count: 2, bytes: 64 * MEBIBYTE, asked: 1 },
    { after: "as many buffers again", count: 4, bytes: 64 * MEBIBYTE, asked: 2 },
  ])("$asked times after $after", ({ count, bytes, asked }) => {
    make(count, bytes);
    expect(looks).toBe(asked);
  });

  test("not for what is destroyed, released or collected as it is made", () => {
    for (let frame = 0; frame < 10_000; frame++) {
      make(2, 64 * MEBIBYTE - 1);
      nudge.destroyed(64 * MEBIBYTE - 1);
      nudge.released();
      if (frame % 2 === 0) nudge.collected();
      else nudge.destroyed(64 * MEBIBYTE - 1);
    }
    expect(looks).toBe(0);
  });
});

describe("a program that rests is looked at", () => {
  test("a second after what it made last, and ever more rarely while something is alive", () => {
    make(1);
    const times: number[] = [];
    for (let second = 1; second <= 200; second++) {
      const before = looks;
      vi.advanceTimersByTime(1000);
      if (looks > before) times.push(second);
    }
    expect(times).toEqual([1, 3, 7, 15, 31, 63, 127, 191]);
  });

  test("not while it makes something each half second", () => {
    for (let half = 0; half < 20; half++) {
      make(1);
      vi.advanceTimersByTime(500);
    }
    expect(looks).toBe(0);
    vi.advanceTimersByTime(2000);
    expect(looks).toBe(1);
  });

  test("not when nothing of it is alive, until it makes something", () => {
    make(1);
    nudge.collected();
    vi.advanceTimersByTime(100_000);
    expect(looks).toBe(0);
    make(1);
    vi.advanceTimersByTime(1000);
    expect(looks).toBe(1);
  });
});

test.for([
  "GPUAdapter",
  "GPUDevice",
  "GPUShaderModule",
  "GPUComputePipeline",
  "GPURenderPipeline",
] as const)(
  "the collector is asked to look at a quarter of as many of %s as a session may have",
  (kind) => {
    const quarter = MAX_SESSION_OBJECTS[kind]! / 4;
    make(quarter - 1, 0, ObjectKind[kind]);
    expect(looks).toBe(0);
    make(1, 0, ObjectKind[kind]);
    expect(looks).toBe(1);
  },
);
