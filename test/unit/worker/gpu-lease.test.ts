import { beforeEach, describe, expect, test, vi } from "vitest";
import { GpuLease, MOST_UNDER_WAY } from "#server/worker/gpu-lease.ts";
import type { ToGateway } from "#server/worker/messages.ts";

/** A queue whose work is done when the test says so. */
class Queue {
  readonly submitted: string[] = [];
  #waiting: (() => void)[] = [];

  onSubmittedWorkDone(): Promise<undefined> {
    return new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
  }

  finish(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    return turn();
  }
}

/** Microtasks and what waits for the event loop have run. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => resolve()));

let told: ToGateway[];
let lease: GpuLease;
let queue: Queue;

beforeEach(() => {
  told = [];
  lease = new GpuLease((message) => told.push(message));
  queue = new Queue();
});

function submit(name: string): Promise<void> | undefined {
  return lease.submit(queue, () => queue.submitted.push(name));
}

test("no submit goes before the lease, which is asked for once", async () => {
  const first = submit("a");
  const second = submit("b");
  expect([first, second]).toEqual([expect.any(Promise), expect.any(Promise)]);
  await turn();
  expect(queue.submitted).toEqual([]);
  expect(told).toEqual([{ type: "gpuWanted" }]);
  lease.granted(7, false);
  await Promise.all([first, second]);
  expect(queue.submitted).toEqual(["a", "b"]);
  expect(told).toEqual([{ type: "gpuWanted" }, { type: "gpuBusy", lease: 7 }]);
  await queue.finish();
  expect(told.at(-1)).toEqual({ type: "gpuIdle", lease: 7 });
});

test("a lease that is kept lets the next submit go at once", async () => {
  lease.granted(7, false);
  expect(submit("a")).toBeUndefined();
  await turn();
  await queue.finish();
  expect(submit("b")).toBeUndefined();
  expect(told.map(({ type }) => type)).toEqual(["gpuBusy", "gpuIdle", "gpuBusy"]);
});

test("is settled when nothing is under way, and not before", async () => {
  await lease.settled();
  lease.granted(7, false);
  void submit("a");
  await turn();
  void submit("b");
  const settled = lease.settled().then(() => "settled");
  expect(await Promise.race([settled, turn()])).toBeUndefined();
  await queue.finish();
  expect(await settled).toBe("settled");
});

describe("a lease that is taken back", () => {
  test("from who rests is given back at once", () => {
    lease.granted(7, false);
    lease.revoked(7);
    expect(told).toEqual([{ type: "gpuReturned", lease: 7 }]);
  });

  test("from who is busy is given back when that is done, and what comes after waits for the next", async () => {
    lease.granted(7, false);
    void submit("a");
    lease.revoked(7);
    const later = submit("b");
    await turn();
    expect(queue.submitted).toEqual(["a"]);
    await queue.finish();
    expect(told.slice(1)).toEqual([{ type: "gpuWanted" }, { type: "gpuReturned", lease: 7 }]);
    lease.granted(8, true);
    await later;
    expect(queue.submitted).toEqual(["a", "b"]);
  });

  test("that was given back meanwhile is no other's", async () => {
    lease.granted(7, false);
    lease.revoked(7);
    lease.granted(8, false);
    lease.revoked(7);
    expect(submit("a")).toBeUndefined();
  });
});

test.for([
  { contended: true, most: 1 },
  { contended: false, most: MOST_UNDER_WAY },
])("under way at once, contended $contended: $most", async ({ contended, most }) => {
  vi.useFakeTimers({ toFake: ["performance"] }); // So that the event loop's turn never ends.
  lease.granted(7, contended);
  for (let index = 0; index < most; index++) expect(submit(`${index}`)).toBeUndefined();
  const over = submit("over");
  expect(over).toBeInstanceOf(Promise);
  await turn();
  expect(queue.submitted).toHaveLength(most);
  await queue.finish();
  await over;
  expect(queue.submitted).toHaveLength(most + 1);
  vi.useRealTimers();
});

test("the event loop gets its turn between submits that do not end", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  lease.granted(7, false);
  expect(submit("a")).toBeUndefined();
  vi.advanceTimersByTime(4);
  expect(submit("b")).toBeUndefined();
  vi.advanceTimersByTime(1);
  const later = submit("c");
  expect(later).toBeInstanceOf(Promise);
  lease.revoked(7);
  await turn();
  expect(queue.submitted).toEqual(["a", "b"]);
  vi.useRealTimers();
});

test("a device that is lost counts as done", async () => {
  lease.granted(7, false);
  const lost = { onSubmittedWorkDone: () => Promise.reject(new Error("lost")) };
  expect(lease.submit(lost, () => {})).toBeUndefined();
  await turn();
  expect(told.at(-1)).toEqual({ type: "gpuIdle", lease: 7 });
});
