import { expect, test } from "vitest";
import { Holdings, Ledger } from "#server/replay/memory-ledger.ts";
import { Recording } from "#server/replay/recording.ts";

/** A recording on a device of which nothing but its memory is real, and the reasons for which that is lost. */
function record(quota: number) {
  const ledger = new Ledger(quota);
  const memory = new Holdings();
  const losses: string[] = [];
  const recording = new Recording(
    {
      memory,
      lose: (reason: string) => {
        losses.push(reason);
        memory.close();
      },
    },
    ledger,
  );
  return { ledger, losses, recording };
}

test("commands are charged with 32 bytes and eight for each of the wire's, from 4 KiB on", () => {
  const { ledger, recording } = record(1 << 20);
  for (let count = 0; count < 56; count++) recording.add(5);
  expect(ledger.used).toBe(0);
  recording.add(5); // 57 of 72 bytes
  expect(ledger.used).toBe(57 * 72);
});

test("what is not charged stays under a quarter of what is", () => {
  const { ledger, recording } = record(1 << 30);
  for (let count = 1; count <= 100_000; count++) recording.add(1);
  expect(ledger.used).toBeGreaterThan((100_000 * 40 * 4) / 5 - 4096);
  expect(ledger.used).toBeLessThanOrEqual(100_000 * 40);
});

test("it is given back with the last handle, or at the submit, and then charged anew", () => {
  const { ledger, recording } = record(1 << 20);
  recording.hold();
  recording.hold();
  recording.add(10_000);
  recording.drop();
  expect(ledger.used).toBe(80_032);
  recording.release();
  expect(ledger.used).toBe(0);
  recording.add(1000);
  expect(ledger.used).toBe(8032);
  recording.drop();
  expect(ledger.used).toBe(0);
});

test("over the quota the device is lost, and at it not", () => {
  const { ledger, losses, recording } = record(8032);
  recording.add(1000);
  expect([ledger.used, losses]).toEqual([8032, []]);
  recording.add(1000);
  expect(losses).toEqual([expect.stringContaining("8032 of 8032 bytes are in use")]);
  expect(ledger.used).toBe(0);
});
