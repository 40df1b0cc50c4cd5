import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import {
  writeDeviceCreateBuffer,
  writeDeviceCreateTexture,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeQueueOnSubmittedWorkDone,
  writeQueueWriteBuffer,
} from "#shared/wire/gen/write-commands.ts";
import { type SocketGuest, StartedWorker } from "./started-worker.ts";

// A session's bounds in its worker process, as the gateway starts and tells it.

const COPY_DST = 8;
const RENDER_ATTACHMENT = 16;
const MIB = 1024 * 1024;

async function connect(host: StartedWorker, connection: number): Promise<SocketGuest> {
  const guest = await host.connect(connection);
  guest.hello();
  await guest.welcome;
  await guest.device();
  return guest;
}

/** Creates a buffer of this size; resolves with what an out-of-memory scope holds. */
async function createBuffer(guest: SocketGuest, size: number): Promise<string | undefined> {
  writeDevicePushErrorScope(guest.writer, "out-of-memory");
  writeDeviceCreateBuffer(guest.writer, guest.make("GPUBuffer"), { size, usage: COPY_DST });
  const reply = await guest.ask((request) => writeDevicePopErrorScope(guest.writer, request));
  return reply.kind === "errorScope" ? reply.error?.type : undefined;
}

async function residentBytes({ worker }: StartedWorker): Promise<number> {
  const status = await readFile(`/proc/${worker.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

function holds(gpuBytes: number): (message: ToGateway) => boolean {
  return (message) => message.type === "memory" && message.gpuBytes === gpuBytes;
}

test("bounds count as soon as they are told, and what is held is reported", async () => {
  await using host = await StartedWorker.start();
  host.worker.send({ type: "bounds", bounds: { ...DEFAULT_BOUNDS, gpuMemoryMb: 16 } });
  const guest = await connect(host, 1);
  expect(await createBuffer(guest, 16 * MIB)).toBeUndefined();
  expect(await createBuffer(guest, 4)).toBe("out-of-memory");
  const report = await host.message(holds(16 * MIB));
  expect(report).toMatchObject({ type: "memory", hostBytes: 0, objects: 4 });
  host.worker.send({ type: "bounds", bounds: { ...DEFAULT_BOUNDS, gpuMemoryMb: 24 } });
  // The control socket and the data socket are not in order.
  await expect.poll(() => createBuffer(guest, 8 * MIB), { timeout: 5000 }).toBeUndefined();
  await host.message(holds(24 * MIB));
  guest.socket.destroy();
  const none = await host.message(holds(0));
  expect(none).toMatchObject({ objects: 0 });
}, 30_000);

test("a memory bomb leaves the worker as large as its quota, and its other program at work", async () => {
  await using host = await StartedWorker.start();
  const quota = 64;
  host.worker.send({ type: "bounds", bounds: { ...DEFAULT_BOUNDS, gpuMemoryMb: quota } });
  const bomb = await connect(host, 1);
  const polite = await connect(host, 2);
  const before = await residentBytes(host);
  // A gigabyte, each of its pages written: zeroed by the GPU, or by a write.
  const content = new Uint8Array(60 * 1024).fill(1);
  for (let count = 0; count < 64; count++) {
    const buffer = bomb.make("GPUBuffer");
    writeDeviceCreateBuffer(bomb.writer, buffer, { size: 16 * MIB, usage: COPY_DST });
    for (let at = 0; at < 8; at++) writeQueueWriteBuffer(bomb.writer, buffer, at, content);
    writeDeviceCreateTexture(bomb.writer, bomb.make("GPUTexture"), {
      size: { width: 2048, height: 2048 },
      format: "rgba8unorm",
      usage: RENDER_ATTACHMENT,
    });
    await bomb.ask((request) => writeQueueOnSubmittedWorkDone(bomb.writer, request));
  }
  const grown = (await residentBytes(host)) - before;
  console.log(
    `A bomb of 2,048 MiB under a quota of ${quota} MiB grew the worker by ${Math.round(grown / MIB)} MiB.`,
  );
  expect(grown).toBeLessThan(3 * quota * MIB);
  const reply = await polite.ask((request) =>
    writeQueueOnSubmittedWorkDone(polite.writer, request),
  );
  expect(reply.kind).toBe("resolved");
  bomb.socket.destroy();
  await host.message(holds(0));
  expect(await createBuffer(polite, MIB)).toBeUndefined();
}, 60_000);
