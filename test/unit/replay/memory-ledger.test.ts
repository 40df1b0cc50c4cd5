import { array, assert, constantFrom, integer, oneof, property, record } from "fast-check";
import { expect, test } from "vitest";
import { type Charge, Holdings, Ledger } from "#server/replay/memory-ledger.ts";

test("a ledger grants what it has to the last byte, and not one more", () => {
  const ledger = new Ledger(10);
  expect(ledger.take(4)).toBe(true);
  expect(ledger.take(7)).toBe(false);
  expect(ledger.take(6)).toBe(true);
  expect(ledger.take(1)).toBe(false);
  expect(ledger.take(0)).toBe(true);
  ledger.give(1);
  expect(ledger.take(1)).toBe(true);
  expect(ledger.used).toBe(10);
});

test.for([Number.NaN, Number.POSITIVE_INFINITY, 2 ** 80])(
  "a ledger grants no %d bytes",
  (amount) => {
    const ledger = new Ledger(10);
    expect(ledger.take(amount)).toBe(false);
    expect(ledger.used).toBe(0);
  },
);

test("a quota that falls takes nothing away, and grants nothing until enough came back", () => {
  const ledger = new Ledger(10);
  ledger.take(10);
  ledger.quota = 5;
  ledger.give(5);
  expect(ledger.take(1)).toBe(false);
  ledger.give(1);
  expect(ledger.take(1)).toBe(true);
});

test("a charge is released once, however it ends", () => {
  const ledger = new Ledger(10);
  const holdings = new Holdings();
  const charge = holdings.take(ledger, 6);
  holdings.take(ledger, 4);
  charge?.release();
  charge?.release();
  expect(ledger.used).toBe(4);
  holdings.close();
  holdings.close();
  charge?.release();
  expect(ledger.used).toBe(0);
});

test("holdings that are closed take nothing any more", () => {
  const ledger = new Ledger(10);
  const holdings = new Holdings();
  holdings.close();
  holdings.take(ledger, 100)?.release();
  expect(ledger.used).toBe(0);
});

const act = oneof(
  record({
    do: constantFrom("make" as const),
    device: integer({ min: 0, max: 2 }),
    bytes: integer({ min: 0, max: 60 }),
  }),
  record({ do: constantFrom("release" as const), which: integer({ min: 0, max: 20 }) }),
  record({ do: constantFrom("close" as const), device: integer({ min: 0, max: 2 }) }),
);

test("a device counts what it gave back, until its next submit begins anew", () => {
  const ledger = new Ledger(100);
  const device = new Holdings();
  const [first, second] = [device.take(ledger, 30), device.take(ledger, 20)];
  expect(device.freed).toBe(0);
  first!.release();
  first!.release();
  expect(device.freed).toBe(30);
  device.freed = 0;
  second!.release();
  expect(device.freed).toBe(20);
});

test("in any order of acts the ledger is what lives, and in the end nothing", () => {
  assert(
    property(array(act, { maxLength: 60 }), (acts) => {
      const ledger = new Ledger(100);
      const devices = [new Holdings(), new Holdings(), new Holdings()];
      const open = new Set(devices);
      const made: { device: Holdings; charge: Charge; bytes: number; isLive: boolean }[] = [];
      for (const each of acts) {
        if (each.do === "make") {
          const device = devices[each.device]!;
          const charge = device.take(ledger, each.bytes);
          if (charge !== undefined) {
            made.push({ device, charge, bytes: each.bytes, isLive: open.has(device) });
          }
        } else if (each.do === "release") {
          const released = made[each.which];
          released?.charge.release();
          if (released !== undefined) released.isLive = false;
        } else {
          const device = devices[each.device]!;
          device.close();
          open.delete(device);
          for (const object of made) if (object.device === device) object.isLive = false;
        }
        const living = made
          .filter(({ isLive }) => isLive)
          .reduce((sum, { bytes }) => sum + bytes, 0);
        expect(ledger.used).toBe(living);
        expect(ledger.used).toBeLessThanOrEqual(100);
      }
      for (const device of devices) device.close();
      for (const { charge } of made) charge.release();
      expect(ledger.used).toBe(0);
    }),
  );
});
