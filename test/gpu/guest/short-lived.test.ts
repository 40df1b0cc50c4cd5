import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { create } from "webgpu";
import { connectGuest, type Guest } from "#client/guest/index.ts";
import { MAX_SESSION_OBJECTS } from "#server/replay/object-budget.ts";
import { InProcessWorker } from "./in-process-worker.ts";

// Objects of which a session may have few, made and dropped by a program that keeps none.

const gpu = create(["backend=null"]);

async function makeDevice(guest: Guest): Promise<GPUDevice> {
  const adapter = await guest.gpu.requestAdapter();
  return adapter!.requestDevice();
}

test("A program makes, destroys and drops more devices than a session may have at once.", async () => {
  using worker = new InProcessWorker(gpu);
  const guest = connectGuest({ connect: () => worker.transport, report: () => {} });
  const count = MAX_SESSION_OBJECTS["GPUDevice"]! + 200;
  for (let made = 0; made < count; made++) {
    await turn(); // As a socket's answer takes.
    const device = await makeDevice(guest);
    device.destroy();
    const { reason, message } = await device.lost;
    expect({ made, reason, message }).toMatchObject({ made, reason: "destroyed" });
  }
  guest.close();
}, 60_000);
