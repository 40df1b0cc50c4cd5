import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { GPUDeviceSlot } from "#client/guest/gen/slots.ts";
import { WeakRefs } from "#client/guest/weak-refs.ts";
import { RecordingWorker } from "./recording-worker.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const task = () => new Promise((resolve) => setImmediate(resolve));

/** Far more than are kept of what was collected. */
const MANY = 2000;
const FEW = 300;

test("references to what was collected are dropped, and the others are gone through", async () => {
  const refs = new WeakRefs<object>();
  const kept = Array.from({ length: 50 }, () => ({}));
  for (const object of kept) refs.add(new WeakRef(object));
  for (let count = 0; count < MANY; count++) {
    refs.add(new WeakRef({}));
    if (count % 100 !== 0) continue;
    await task(); // What a task makes weak lives to its end.
    collect();
  }
  expect(refs.size).toBeLessThan(FEW);
  await task();
  collect();
  expect([...refs]).toEqual(kept);
});

test("what is deleted is not gone through, also meanwhile", () => {
  const objects = [{}, {}, {}];
  const weak = objects.map((object) => new WeakRef(object));
  const refs = new WeakRefs<object>();
  for (const ref of weak) refs.add(ref);
  refs.delete(weak[1]!);
  const seen: object[] = [];
  for (const object of refs) {
    seen.push(object);
    refs.delete(weak[0]!);
    refs.delete(weak[2]!);
  }
  expect(seen).toEqual([objects[0]]);
  expect(refs.size).toBe(0);
});

test("a device remembers few of the buffers that were dropped mapped", async () => {
  const worker = new RecordingWorker();
  const device = await worker.device();
  const { mapped } = GPUDeviceSlot.of(device);
  const kept = device.createBuffer({ size: 8, usage: 4, mappedAtCreation: true });
  for (let count = 0; count < MANY; count++) {
    device.createBuffer({ size: 8, usage: 4, mappedAtCreation: true });
    if (count % 100 !== 0) continue;
    await task();
    collect();
  }
  expect(mapped.size).toBeLessThan(FEW);
  device.destroy();
  expect(kept.mapState).toBe("unmapped");
});
