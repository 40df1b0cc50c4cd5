import { encodeControl } from "#server/worker/control-frames.ts";
import { CONTROL_CONNECTION, dial } from "#server/worker/dial.ts";
import { readWorkerEnvironment } from "#server/worker/env.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import { type Attempt, make } from "./attempts.ts";

// A worker process that tries what its environment names, one after the other, and tells what came of each
// in its first message.

const { workerSocket, workerNonce } = readWorkerEnvironment();
const control = await dial(workerSocket, workerNonce, CONTROL_CONNECTION);
control.resume().on("close", () => process.kill(process.pid, "SIGKILL"));
const attempts: readonly Attempt[] = JSON.parse(process.env["ATTEMPTS"] ?? "[]");
const outcomes: string[] = [];
for (const attempt of attempts) outcomes.push(await make(attempt));
const ready: ToGateway = {
  type: "ready",
  adapter: JSON.stringify(outcomes),
  isSoftware: true,
  encoder: "none",
};
control.write(encodeControl(ready));
