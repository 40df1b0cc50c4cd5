import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  MAX_KEY_FRAME_WAIT_MS,
  MAX_QUEUED_BYTES,
  MAX_RESENDS,
  MAX_WAIT_MS,
  type MediaFrame,
  Pacer,
  type PacketSink,
} from "#server/media/pacer.ts";

const PACKET = 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function frame(packets: number, isKeyFrame = false): MediaFrame {
  return {
    payloads: Array.from({ length: packets }, () => Buffer.alloc(PACKET)),
    isKeyFrame,
    timestamp: 0,
    capturedAt: 0,
  };
}

class Recorder implements PacketSink {
  readonly sent: { what: string; at: number; probe: number | undefined }[] = [];
  #padding = true;

  stopPadding(): void {
    this.#padding = false;
  }

  sendMedia(_frame: MediaFrame, index: number, probe: number | undefined): number {
    return this.#record(`media ${index}`, probe);
  }

  resend(sequence: number, probe: number | undefined): number {
    return this.#record(`resend ${sequence}`, probe);
  }

  pad(probe: number): number {
    return this.#padding ? this.#record("padding", probe) : 0;
  }

  #record(what: string, probe: number | undefined): number {
    this.sent.push({ what, at: performance.now(), probe });
    return PACKET;
  }
}

function started(estimate: number): { pacer: Pacer; sink: Recorder } {
  const sink = new Recorder();
  const pacer = new Pacer(sink, estimate);
  vi.advanceTimersByTime(1000); // The first slice is full.
  return { pacer, sink };
}

describe("media", () => {
  test("of a small frame leaves at once, in order", () => {
    const { pacer, sink } = started(5_000_000);
    pacer.enqueue(frame(10));
    expect(sink.sent.map(({ what }) => what)).toEqual(
      Array.from({ length: 10 }, (_, index) => `media ${index}`),
    );
    expect(pacer.queuedBytes).toBe(0);
  });

  test("of a large frame leaves in slices, at two and a half times the estimate", () => {
    const { pacer, sink } = started(8_000_000);
    const began = performance.now();
    pacer.enqueue(frame(300, true));
    expect(sink.sent.length).toBeGreaterThan(20);
    expect(sink.sent.length).toBeLessThan(32);
    vi.advanceTimersByTime(200);
    expect(sink.sent).toHaveLength(300);
    const last = sink.sent.at(-1)!.at - began;
    // 2,400,000 bits less the first slice, at 20 Mbit/s.
    expect(last).toBeGreaterThan(100);
    expect(last).toBeLessThan(125);
    const perMillisecond = new Map<number, number>();
    for (const { at } of sink.sent.slice(32)) {
      perMillisecond.set(at, (perMillisecond.get(at) ?? 0) + 1);
    }
    expect(Math.max(...perMillisecond.values())).toBeLessThanOrEqual(5);
  });

  test("waits for no more than it must on a slow network, and then the viewer is behind", () => {
    const { pacer, sink } = started(300_000);
    pacer.enqueue(frame(60));
    vi.advanceTimersByTime(MAX_WAIT_MS);
    expect(pacer.isBehind).toBe(false);
    vi.advanceTimersByTime(1);
    expect(pacer.isBehind).toBe(true);
    const sent = sink.sent.length;
    expect(pacer.clear()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(sink.sent).toHaveLength(sent);
    expect(pacer.isBehind).toBe(false);
  });

  test("of a key frame may wait longer than any other", () => {
    const { pacer } = started(300_000);
    pacer.enqueue(frame(1000, true));
    vi.advanceTimersByTime(MAX_KEY_FRAME_WAIT_MS);
    expect(pacer.isBehind).toBe(false);
    vi.advanceTimersByTime(1);
    expect(pacer.isBehind).toBe(true);
  });

  test("over the bound of memory makes the viewer be behind at once", () => {
    const { pacer } = started(300_000);
    pacer.enqueue(frame(100, true)); // More than leaves at once.
    pacer.enqueue({
      ...frame(0, true),
      payloads: [Buffer.alloc(MAX_QUEUED_BYTES - pacer.queuedBytes)],
    });
    expect(pacer.queuedBytes).toBe(MAX_QUEUED_BYTES);
    expect(pacer.isBehind).toBe(false);
    pacer.enqueue({ ...frame(0, true), payloads: [Buffer.alloc(1)] });
    expect(pacer.isBehind).toBe(true);
  });
});

test("resends go before media, each once", () => {
  const { pacer, sink } = started(1_000_000);
  pacer.enqueue(frame(100, true));
  const sent = sink.sent.length;
  pacer.resend(7);
  pacer.resend(9);
  pacer.resend(7);
  vi.advanceTimersByTime(20);
  expect(sink.sent.slice(sent, sent + 3).map(({ what }) => what)).toEqual([
    "resend 7",
    "resend 9",
    `media ${sent}`,
  ]);
});

test("as many resends wait as the limit, and one more is left out", () => {
  const { pacer, sink } = started(1_000_000);
  pacer.enqueue(frame(100, true)); // What may leave at once has left.
  const media = sink.sent.length;
  for (let sequence = 0; sequence <= MAX_RESENDS; sequence++) pacer.resend(sequence);
  expect(sink.sent).toHaveLength(media);
  vi.advanceTimersByTime(60_000);
  const resent = sink.sent.filter(({ what }) => what.startsWith("resend"));
  expect(resent).toHaveLength(MAX_RESENDS);
  expect(resent.at(-1)!.what).toBe(`resend ${MAX_RESENDS - 1}`);
  pacer.resend(MAX_RESENDS); // Those that left make room.
  vi.advanceTimersByTime(1000);
  expect(sink.sent.at(-1)!.what).toBe(`resend ${MAX_RESENDS}`);
});

describe("a probe", () => {
  const plan = { probe: 1, rate: 40_000_000, bytes: 60 * PACKET };

  test("is padded, and leaves at its own rate", () => {
    const { pacer, sink } = started(5_000_000);
    const began = performance.now();
    pacer.probe(plan);
    vi.advanceTimersByTime(100);
    expect(sink.sent).toHaveLength(60);
    const took = sink.sent.at(-1)!.at - began;
    expect(took).toBeGreaterThan(8);
    expect(took).toBeLessThan(16);
    expect(new Set(sink.sent.map(({ probe }) => probe))).toEqual(new Set([1]));
  });

  test("takes media along, and media after it belongs to none", () => {
    const { pacer, sink } = started(5_000_000);
    pacer.probe({ ...plan, bytes: 20 * PACKET });
    pacer.enqueue(frame(40));
    vi.advanceTimersByTime(200);
    const media = sink.sent.filter(({ what }) => what.startsWith("media"));
    expect(media).toHaveLength(40);
    expect(media[0]!.probe).toBe(1);
    expect(media.at(-1)!.probe).toBeUndefined();
    expect(sink.sent.filter(({ probe }) => probe === 1)).toHaveLength(20);
  });

  test("ends where there is nothing to pad with", () => {
    const { pacer, sink } = started(5_000_000);
    sink.stopPadding();
    pacer.probe(plan);
    vi.advanceTimersByTime(100);
    expect(sink.sent).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("nothing leaves after disposal, and no timer stays", () => {
  const { pacer, sink } = started(1_000_000);
  pacer.enqueue(frame(100, true));
  const sent = sink.sent.length;
  pacer[Symbol.dispose]();
  vi.advanceTimersByTime(1000);
  expect(sink.sent).toHaveLength(sent);
  expect(vi.getTimerCount()).toBe(0);
});
