import { kill, pid } from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import { ControlReader, encodeControl } from "./control-frames.ts";
import { CONTROL_CONNECTION, dial } from "./dial.ts";
import type { ToWorker } from "./messages.ts";

// The entry of a worker's second thread, which holds the control socket. A guest can hang the main
// thread in native code, where no JavaScript and no signal handler runs. This thread goes on, sees the
// gateway's end of the socket close, and takes the process down: a worker never outlives its gateway.

/** What the thread is started with. */
export type WatchdogData = { readonly path: string; readonly nonce: Uint8Array };

/** What the thread tells the main thread. */
export type FromWatchdog = { readonly type: "connected" } | ToWorker;

const port = parentPort;
if (port === null) throw new Error("The watchdog runs as a thread of a worker.");
const { path, nonce }: WatchdogData = workerData;

const die = (): void => {
  kill(pid, "SIGKILL");
};
const socket = await dial(path, nonce, CONTROL_CONNECTION);
socket.on("error", die).on("end", die).on("close", die);
const reader = new ControlReader();
socket.on("data", (chunk) => {
  for (const message of reader.push(chunk)) port.postMessage(message);
});
port.on("message", (message: object) => socket.write(encodeControl(message)));
port.postMessage({ type: "connected" } satisfies FromWatchdog);
