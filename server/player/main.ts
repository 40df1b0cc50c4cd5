import { assertNever } from "#shared/base/assert.ts";
import { Control } from "#server/worker/control.ts";
import { dial } from "#server/worker/dial.ts";
import { readWorkerEnvironment } from "#server/worker/env.ts";
import { GpuLease } from "#server/worker/gpu-lease.ts";
import type { ToWorker } from "#server/worker/messages.ts";
import { installPacedPoller, PacedPoller } from "#server/worker/paced-poller.ts";
import { Playback } from "./playback.ts";

// The entry of the player's worker process: confined and watched as a session's GPU worker is, since a recording may be
// anybody's; without capture and encoder.

try {
  const environment = readWorkerEnvironment();
  const poller = new PacedPoller();
  installPacedPoller(poller);
  const { create } = await import("webgpu");
  const gpu = create([...environment.dawnFlags]);
  // Dawn crashes when its instance is collected while anything is outstanding.
  process.once("exit", () => gpu);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error("Dawn finds no GPU, nor the software one.");

  const ended = Promise.withResolvers<void>();
  const { workerSocket: path, workerNonce: nonce } = environment;
  const lease = new GpuLease((message) => control.send(message));
  const worked = (): void => poller.workHandedOver();
  let playback: Playback | undefined;
  const play = async (connection: number): Promise<void> => {
    const socket = await dial(path, nonce, connection);
    playback = new Playback({ socket, gpu, lease, worked });
    await playback.run();
  };
  const answer = async (): Promise<void> => {
    await playback?.oldestCompiled();
    control.send({ type: "gpuHere" });
  };
  const handle = (message: ToWorker): void => {
    switch (message.type) {
      case "open":
        play(message.connection).catch(ended.reject);
        return;
      case "shutdown":
        ended.resolve();
        return;
      case "lease":
        lease.granted(message.lease, message.isContended);
        return;
      case "revoke":
        lease.revoked(message.lease);
        return;
      case "ask":
        void answer();
        return;
      case "close":
      case "bounds":
      case "audience":
        return; // There is no session.
      default:
        assertNever(message);
    }
  };
  const control = await Control.connect({ path, nonce }, handle);
  const { description, device, vendor, isFallbackAdapter } = adapter.info;
  control.send({
    type: "ready",
    adapter: description || device || vendor,
    isSoftware: isFallbackAdapter,
    encoder: "none",
  });
  await ended.promise;
  control.release();
} catch (cause) {
  process.exitCode = 1;
  console.error(cause);
}
