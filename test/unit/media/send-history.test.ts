import { describe, expect, test } from "vitest";
import { MAX_RTP_PAYLOAD_BYTES } from "#server/media/h264.ts";
import { MAX_ACCESS_UNIT_BYTES } from "#server/media/messages.ts";
import { MAX_AGE_MS, MAX_BYTES, SendHistory, type SentPacket } from "#server/media/send-history.ts";
import { SendLog } from "#server/media/send-log.ts";

function packet(sequence: number, bytes = 100, sentAt = 0): SentPacket {
  const payload = Buffer.alloc(bytes);
  return { sequence, timestamp: 0, marker: false, payload, sentAt, resentAt: -Infinity };
}

describe("the history for resends", () => {
  test("holds every packet of the largest key frame", () => {
    const history = new SendHistory();
    const count = Math.floor(MAX_ACCESS_UNIT_BYTES / MAX_RTP_PAYLOAD_BYTES);
    const first = 65_000;
    for (let index = 0; index < count; index += 1) {
      history.add(packet((first + index) & 0xffff, MAX_RTP_PAYLOAD_BYTES));
    }
    expect(history.get(first)).toMatchObject({ sequence: first });
    expect(history.get((first + count - 1) & 0xffff)).toBe(history.latest);
  });

  test("forgets the oldest packets when their bytes are too many, and no newer ones", () => {
    const history = new SendHistory();
    const large = MAX_BYTES / 4;
    for (let sequence = 0; sequence < 4; sequence += 1) history.add(packet(sequence, large));
    expect(history.get(0)).toBeDefined();
    history.add(packet(4, 1));
    expect(history.get(0)).toBeUndefined();
    expect(history.get(1)).toBeDefined();
  });

  test("forgets packets that nobody asks for any more, and the latest never", () => {
    const history = new SendHistory();
    history.add(packet(65_534, 100, 0));
    history.add(packet(65_535, 100, 1));
    history.add(packet(0, 100, MAX_AGE_MS + 1));
    expect(history.get(65_534)).toBeUndefined();
    expect(history.get(65_535)).toBeDefined();
    history.add(packet(1, 100, 1e9));
    expect(history.get(0)).toBeUndefined();
    expect(history.get(1)).toBe(history.latest);
  });

  test("knows no packet of an earlier round of numbers", () => {
    const history = new SendHistory();
    for (let index = 0; index < 65_536 + 10; index += 1) history.add(packet(index & 0xffff, 10));
    expect(history.get(9)).toBeDefined();
    expect(history.get(10)).toBeUndefined();
    expect(history.get(65_535)).toBeDefined();
  });
});

describe("the log for congestion control", () => {
  test("settles each packet once, with its fate", () => {
    const log = new SendLog();
    log.sent(65_535, 1000, 10);
    log.sent(0, 500, 11, 3);
    const feedback = [{ sequence: 65_535, arrivedAt: 99 }, { sequence: 0 }, { sequence: 1 }];
    expect(log.settle(feedback)).toEqual([
      { bytes: 1000, sentAt: 10, arrivedAt: 99 },
      { bytes: 500, sentAt: 11, probe: 3 },
    ]);
    expect(log.settle(feedback)).toEqual([]);
  });
});
