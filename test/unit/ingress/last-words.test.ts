import { once } from "node:events";
import { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hearOut, LAST_WORK_MS, MAX_LAST_WORDS_BYTES } from "#server/ingress/last-words.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** A worker that takes what it is sent and says what the test pushes. */
function heardOut(): Duplex {
  const data = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  hearOut(data);
  return data;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a worker that ends in time is heard to its end", async () => {
  const data = heardOut();
  expect(data.writableEnded).toBe(true);
  data.push(Buffer.alloc(MAX_LAST_WORDS_BYTES));
  await turn();
  vi.advanceTimersByTime(LAST_WORK_MS - 1);
  expect(data.destroyed).toBe(false);
  data.push(null);
  await once(data, "close");
  expect(data.readableEnded).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test("one that does not end is cut off", () => {
  const data = heardOut();
  vi.advanceTimersByTime(LAST_WORK_MS);
  expect(data.destroyed).toBe(true);
});

test("one that says a byte too much is cut off", async () => {
  const data = heardOut();
  data.push(Buffer.alloc(MAX_LAST_WORDS_BYTES));
  data.push(Buffer.alloc(1));
  await turn();
  expect(data.destroyed).toBe(true);
  expect(data.readableEnded).toBe(false);
});
