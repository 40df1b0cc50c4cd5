import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import {
  writeCommandEncoderClearBuffer,
  writeCommandEncoderFinish,
  writeDeviceCreateBuffer,
  writeDeviceCreateCommandEncoder,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeQueueOnSubmittedWorkDone,
  writeQueueSubmit,
} from "#shared/wire/gen/write-commands.ts";
import { type SocketGuest, StartedWorker } from "./started-worker.ts";

// A session's bounds in its worker process, as the gateway starts and tells it.

const COPY_DST = 8;
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

test.for([64, 256])(
  "a bomb of 2 GiB makes the worker as much larger as its quota of %i MiB, and others go on",
  { timeout: 60_000 },
  async (quota) => {
    await using host = await StartedWorker.start();
    host.worker.send({ type: "bounds", bounds: { ...DEFAULT_BOUNDS, gpuMemoryMb: quota } });
    const bomb = await connect(host, 1);
    const polite = await connect(host, 2);
    const before = await residentBytes(host);
    const { writer } = bomb;
    for (let count = 0; count < 128; count++) {
      const buffer = bomb.make("GPUBuffer");
      const encoder = bomb.make("GPUCommandEncoder");
      const commands = bomb.make("GPUCommandBuffer");
      writeDeviceCreateBuffer(writer, buffer, { size: 16 * MIB, usage: COPY_DST });
      // Memory that nothing was written to is not resident.
      writeDeviceCreateCommandEncoder(writer, encoder, {});
      writeCommandEncoderClearBuffer(writer, buffer, 0, 16 * MIB);
      writeCommandEncoderFinish(writer, commands, {});
      writeQueueSubmit(writer, [commands]);
    }
    await bomb.ask((request) => writeQueueOnSubmittedWorkDone(writer, request));
    const grown = Math.round(((await residentBytes(host)) - before) / MIB);
    console.log(`Under a quota of ${quota} MiB the bomb made the worker ${grown} MiB larger.`);
    // The control: memory within the quota is there, and resident.
    expect(grown).toBeGreaterThan(quota * 0.9);
    expect(grown).toBeLessThan(quota + 100);
    const reply = await polite.ask((request) =>
      writeQueueOnSubmittedWorkDone(polite.writer, request),
    );
    expect(reply.kind).toBe("resolved");
    bomb.socket.destroy();
    await host.message(holds(0));
    expect(await createBuffer(polite, MIB)).toBeUndefined();
  },
);
