import { Control } from "#server/worker/control.ts";
import type { ToGateway, ToWorker } from "#server/worker/messages.ts";

// A GPU worker that its guest takes over at SIGUSR2: up to then it is the real one. Then, one after the other: it gives
// itself credit, and tells nothing of what it submits; it also says as much as it may without being killed
// for it; and at last it tells of a connection that never was.

const SILENT_MS = 2_500;
const LOUD_MS = 1_500;
/** Under the limit of server/session/control-channel.ts. */
const MESSAGES_PER_MS = 15;

const connect = Control.connect.bind(Control);
Control.connect = async (data, listener) => {
  let isLying = false;
  const control = await connect(data, (message: ToWorker) => {
    if (!(isLying && message.type === "revoke")) listener(message);
  });
  const say = control.send.bind(control);
  control.send = (message) => {
    if (!(isLying && message.type.startsWith("gpu"))) say(message);
  };
  process.on("SIGUSR2", () => {
    isLying = true;
    listener({ type: "lease", lease: 1, isContended: false });
    setTimeout(() => beLoud(say), SILENT_MS);
  });
  return control;
};

function beLoud(say: (message: ToGateway) => void): void {
  const began = performance.now();
  let said = 0;
  const timer = setInterval(() => {
    const passed = performance.now() - began;
    for (; said < passed * MESSAGES_PER_MS; said++) {
      say({ type: said % 2 === 0 ? "gpuBusy" : "gpuIdle", lease: 1 });
    }
    if (passed < LOUD_MS) return;
    clearInterval(timer);
    say({ type: "frameFinished", connection: 4_000_000, tick: 1 });
  }, 1);
}

await import("#server/worker/main.ts");
