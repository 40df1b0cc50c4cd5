import {
  writeDeviceCreateBuffer,
  writeDeviceDestroy,
  writeDevicePopErrorScope,
  writeDevicePushErrorScope,
  writeQueueOnSubmittedWorkDone,
  writeQueueSubmit,
} from "#shared/wire/gen/write-commands.ts";
import { writeDispatch } from "#test/support/dispatch.ts";
import { type SocketGuest, StartedWorker } from "./started-worker.ts";

// A process that starts a worker as the gateway does, hangs the worker in native code with a shader
// without an end, says so, and waits to be killed. Its argument is how the worker is to be confined.

const SHADER = `
@group(0) @binding(0) var<storage, read_write> values: array<atomic<u32>>;
@compute @workgroup_size(1) fn main() {
  loop { if (atomicAdd(&values[0], 0u) == 1u) { break; } }
}`;

function hang(guest: SocketGuest): void {
  const { writer } = guest;
  const buffer = guest.make("GPUBuffer");
  writeDeviceCreateBuffer(writer, buffer, { size: 4, usage: 128 });
  writeDispatch(guest, buffer, SHADER);
  // Waits for the GPU, and so for ever.
  writeDeviceDestroy(writer);
}

async function ping(guest: SocketGuest): Promise<void> {
  writeDevicePushErrorScope(guest.writer, "validation");
  await guest.ask((request) => writeDevicePopErrorScope(guest.writer, request));
}

const started = await StartedWorker.start(process.argv[2] === "off" ? "off" : "auto");
const [guest, other] = [await started.connect(1), await started.connect(2)];
for (const each of [guest, other]) {
  each.hello();
  await each.device();
  await ping(each);
}
// With its lease in hand the worker waits for nobody any more.
await guest.ask((request) => {
  writeQueueSubmit(guest.writer, []);
  writeQueueOnSubmittedWorkDone(guest.writer, request);
});
hang(guest);
await guest.send();
const silence = new Promise((resolve) => setTimeout(resolve, 500, "silent"));
const answer = await Promise.race([ping(other), silence]);
process.stdout.write(
  `${JSON.stringify({ pid: started.worker.pid, hangs: answer === "silent" })}\n`,
);
