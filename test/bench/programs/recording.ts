import path from "node:path";
import { setImmediate as afterTask } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { connectGuest, type Transport } from "#client/guest/index.ts";
import { installDom } from "#client/run/dom.ts";
import { FrameReader, UpFrame } from "#shared/wire/frames.ts";
import { InProcessWorker } from "#test/gpu/guest/in-process-worker.ts";
import { SAMPLES } from "#test/support/stack.ts";
import { countCommands, measureDecode } from "../codec.ts";
import type { Recorded } from "../recording.ts";

// Runs draw_heavy under the guest library in this process: its set-up is answered by a replayer on
// Dawn's null backend, and its frames are recorded and thrown away.

const DRAWS = 10_000;

const rounds = Number(process.argv[2] ?? 10);
const program = path.join(SAMPLES, "draw-heavy.js");
const { create } = await import("webgpu");
const gpu = create(["backend=null"]);
using worker = new InProcessWorker(gpu);

let sent: Uint8Array[] | undefined;
const transport: Transport = {
  ...worker.transport,
  send: (bytes) => {
    if (sent === undefined) worker.transport.send(bytes);
    else sent.push(bytes);
  },
};
const guest = connectGuest({ connect: () => transport });
let draw: ((time: number) => void) | undefined;
const drawing = Promise.withResolvers<void>();
installDom({
  gpu: guest.gpu,
  installGPUGlobals: (target) => guest.installGlobals(target),
  createCanvasContext: (canvas, isVisible) => guest.createCanvasContext(canvas, isVisible),
  readCanvas: (context) => guest.readCanvas(context),
  requestAnimationFrame: (callback) => {
    draw = callback;
    drawing.resolve();
    return 1;
  },
  cancelAnimationFrame: () => {},
  size: { width: 640, height: 360, devicePixelRatio: 1 },
  base: pathToFileURL(program),
});
await import(program);
await drawing.promise;
await afterTask();

const recordTimes: number[] = [];
let batch = new Uint8Array();
for (let round = -5; round < rounds; round++) {
  sent = [];
  const start = performance.now();
  draw?.(start);
  const milliseconds = performance.now() - start;
  await afterTask(); // The rest of the batch leaves, the canvas is presented.
  await afterTask();
  if (round >= 0) recordTimes.push(milliseconds);
  batch = commandsOf(sent);
}
const commands = countCommands(batch);
const recorded: Recorded = {
  recordNs: recordTimes.map((milliseconds) => (milliseconds * 1e6) / commands),
  decodeNs: measureDecode(batch, commands, rounds),
  bytesPerDraw: batch.length / DRAWS,
};
process.send?.(recorded);
// Dawn crashes when its instance is collected while anything is outstanding.
process.once("exit", () => gpu);

/** The commands of the frames, one after the other. */
function commandsOf(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const payloads: Uint8Array[] = [];
  const reader = new FrameReader();
  for (const bytes of frames) {
    for (const { kind, payload } of reader.push(bytes)) {
      if (kind === UpFrame.commands) payloads.push(payload.slice());
    }
  }
  return new Uint8Array(Buffer.concat(payloads));
}
