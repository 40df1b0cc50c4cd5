import { readWorkerEnvironment } from "./env.ts";
import { installPacedPoller, PacedPoller } from "./paced-poller.ts";
import { Worker, WorkerStartError } from "./worker.ts";

// The entry of a GPU worker process. The gateway starts one for each session: see server/session.

try {
  const environment = readWorkerEnvironment();
  const poller = new PacedPoller();
  installPacedPoller(poller);
  const loadDawn = async (): Promise<GPU> => {
    const { create } = await import("webgpu");
    const gpu = create([...environment.dawnFlags]);
    // Dawn crashes when its instance is collected while anything is outstanding.
    process.once("exit", () => gpu);
    return gpu;
  };
  using worker = await Worker.start(environment, poller, loadDawn);
  await worker.ended;
} catch (cause) {
  process.exitCode = 1;
  console.error(cause instanceof WorkerStartError ? cause.message : cause);
}
