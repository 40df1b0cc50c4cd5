import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACKNOWLEDGE_EVERY_BYTES } from "#shared/link/guest-link.ts";
import { ReceiveWindow } from "#shared/link/receive-window.ts";
import { CHUNK_COST_BYTES, SendBuffer } from "#shared/link/send-buffer.ts";

/** A stretch of the stream: no two are alike. */
function stretch(from: number, length: number): Uint8Array {
  const stream = new Uint8Array(length);
  for (let at = 0; at < length; at++) stream[at] = Math.imul(from + at, 0x9e3779b1) >>> 24;
  return stream;
}

function bytes(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => from + index);
}

/** All that is to be sent now, in one piece. */
function takeAll(buffer: SendBuffer): number[] {
  const all: number[] = [];
  for (let next = buffer.next(Infinity); next !== undefined; next = buffer.next(Infinity)) {
    all.push(...next);
  }
  return all;
}

/** 5 bytes are acknowledged and 8 of 10 sent. */
function partlySent(): SendBuffer {
  const buffer = new SendBuffer();
  buffer.push(bytes(0, 10));
  buffer.next(8);
  buffer.acknowledge(5);
  return buffer;
}

describe("a send buffer", () => {
  test("gives its bytes once, as far as there is room, and frees what is acknowledged", () => {
    const buffer = new SendBuffer();
    buffer.push(bytes(0, 4));
    buffer.push(bytes(4, 4));
    expect(buffer.cost).toBe(8 + 2 * CHUNK_COST_BYTES);
    expect([...buffer.next(3)!]).toEqual([0, 1, 2]);
    expect([...buffer.next(3)!]).toEqual([3]);
    expect(buffer.next(0)).toBeUndefined();
    buffer.acknowledge(4);
    expect(buffer.cost).toBe(4 + CHUNK_COST_BYTES);
    expect(takeAll(buffer)).toEqual([4, 5, 6, 7]);
    buffer.acknowledge(8);
    expect(buffer.cost).toBe(0);
  });

  test("sends again from any byte that it keeps, and from no other", () => {
    for (let from = 3; from <= 9; from++) {
      const buffer = new SendBuffer();
      for (const start of [0, 3, 6]) buffer.push(bytes(start, 3));
      buffer.push(new Uint8Array());
      expect(takeAll(buffer)).toHaveLength(9);
      buffer.acknowledge(3);
      buffer.rewind(from);
      expect(takeAll(buffer)).toEqual([...bytes(from, 9 - from)]);
    }
  });

  describe("of which 5 bytes are acknowledged and 8 of 10 sent", () => {
    test.for([5, 8])("can go on from byte %i", (offset) => {
      expect(partlySent().holds(offset)).toBe(true);
      partlySent().rewind(offset);
      partlySent().acknowledge(offset);
    });

    test.for([4, 9])("cannot go on from byte %i, and says from which", (offset) => {
      const sentence = `byte ${offset}; kept are those from 5, and sent those up to 8.`;
      expect(partlySent().holds(offset)).toBe(false);
      expect(() => partlySent().rewind(offset)).toThrow(sentence);
      expect(() => partlySent().acknowledge(offset)).toThrow(sentence);
    });
  });
});

describe("a receive window", () => {
  const LIMIT = 2 * ACKNOWLEDGE_EVERY_BYTES;

  test("takes as much as its limit beyond what is acknowledged, and not one byte more", () => {
    const window = new ReceiveWindow(LIMIT);
    window.receive(LIMIT);
    expect(window.passOn(ACKNOWLEDGE_EVERY_BYTES - 1)).toBeUndefined();
    expect(window.passOn(1)).toBe(ACKNOWLEDGE_EVERY_BYTES);
    window.receive(ACKNOWLEDGE_EVERY_BYTES);
    expect(() => window.receive(1)).toThrow(
      `${LIMIT + 1} bytes came beyond those acknowledged, over the limit (${LIMIT}).`,
    );
  });
});

/**
 * One direction of a link over a wire that breaks: messages that are under way, and acknowledgements that
 * come back, are lost with it. The receiver passes bytes on when it is told to.
 */
class Wire {
  readonly sender = new SendBuffer();
  readonly window: ReceiveWindow;
  readonly arrived: Uint8Array[] = [];
  #underWay: Uint8Array[] = [];
  #acks: number[] = [];
  #waiting = 0;
  #pushed = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.window = new ReceiveWindow(limit);
  }

  push(length: number): void {
    this.sender.push(stretch(this.#pushed, length));
    this.#pushed += length;
  }

  send(): void {
    for (;;) {
      const next = this.sender.next(this.#limit - (this.sender.sent - this.sender.acknowledged));
      if (next === undefined) return;
      this.#underWay.push(next);
    }
  }

  /** So many bytes arrive: of a message that is cut, nothing does. */
  deliver(count: number): void {
    let left = count;
    while (this.#underWay.length > 0 && this.#underWay[0]!.length <= left) {
      const message = this.#underWay.shift()!;
      left -= message.length;
      this.window.receive(message.length);
      this.arrived.push(message);
      this.#waiting += message.length;
    }
  }

  passOn(count: number): void {
    const passed = Math.min(count, this.#waiting);
    this.#waiting -= passed;
    const ack = this.window.passOn(passed);
    if (ack !== undefined) this.#acks.push(ack);
  }

  acknowledge(): void {
    for (const count of this.#acks.splice(0)) this.sender.acknowledge(count);
  }

  /** The wire breaks with `count` more bytes delivered, and the next one goes on. */
  cut(count: number): void {
    this.deliver(count);
    this.#underWay = [];
    this.#acks = [];
    this.sender.rewind(this.window.received);
    this.sender.acknowledge(this.window.acknowledge());
  }

  get isWhole(): boolean {
    return Buffer.concat(this.arrived).equals(stretch(0, this.#pushed));
  }

  get isIdle(): boolean {
    const { sent, end } = this.sender;
    const underWay = this.#underWay.length + this.#waiting + this.#acks.length;
    return sent === end && underWay === 0;
  }
}

test("whatever breaks where, the receiver has each byte once and in order, and nothing stalls", () => {
  const limit = 3 * ACKNOWLEDGE_EVERY_BYTES;
  const amount = fc.oneof(fc.nat(16), fc.nat(2 * limit));
  const step = fc.tuple(
    fc.constantFrom("push", "send", "deliver", "passOn", "acknowledge", "cut"),
    amount,
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const wire = new Wire(limit);
      for (const [act, count] of steps) wire[act](count);
      for (let rounds = 0; !wire.isIdle; rounds++) {
        expect(rounds).toBeLessThan(1_000);
        wire.send();
        wire.deliver(Infinity);
        wire.passOn(Infinity);
        wire.acknowledge();
      }
      expect(wire.isWhole).toBe(true);
      expect(wire.sender.end - wire.sender.acknowledged).toBeLessThan(ACKNOWLEDGE_EVERY_BYTES);
    }),
    { numRuns: 300 },
  );
});

test("a cut at each byte of a stream loses and repeats nothing", () => {
  const lengths = [1, 5, 2, 7, 1];
  const total = lengths.reduce((sum, length) => sum + length, 0);
  for (let cut = 0; cut <= total; cut++) {
    const wire = new Wire(ACKNOWLEDGE_EVERY_BYTES);
    for (const length of lengths) wire.push(length);
    wire.send();
    wire.cut(cut);
    wire.send();
    wire.deliver(Infinity);
    expect(wire.isWhole).toBe(true);
  }
});

test("acknowledgements that are lost with the wire do not leave the window closed", () => {
  const limit = 3 * ACKNOWLEDGE_EVERY_BYTES;
  const wire = new Wire(limit);
  wire.push(limit + 1);
  wire.send();
  wire.deliver(limit);
  wire.passOn(limit);
  wire.cut(0);
  wire.send();
  wire.deliver(Infinity);
  expect(wire.isWhole).toBe(true);
});
