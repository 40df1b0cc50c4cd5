import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { create } from "webgpu";
import { writeDeviceCreateBuffer } from "#shared/wire/gen/write-commands.ts";
import { GuestStream } from "./guest-stream.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const gpu = create(["backend=null"]);

async function closedStream(): Promise<WeakRef<object>> {
  using stream = new GuestStream(gpu);
  await stream.device();
  writeDeviceCreateBuffer(stream.writer, stream.make("GPUBuffer"), { size: 4, usage: 8 });
  await stream.send();
  return new WeakRef(stream.replayer);
}

/** Collects for as many turns of the event loop as an honest wait takes. */
async function isCollected(ref: WeakRef<object>): Promise<boolean> {
  for (let left = 20; left > 0 && ref.deref() !== undefined; left--) {
    await turn();
    collect();
  }
  return ref.deref() === undefined;
}

test("a closed connection is collected, though Dawn's binding keeps its device", async () => {
  const first = await closedStream();
  const second = await closedStream();
  expect(await isCollected(first)).toBe(true);
  expect(await isCollected(second)).toBe(true);
});
