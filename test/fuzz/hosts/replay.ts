import { setImmediate as turn } from "node:timers/promises";
import { create } from "webgpu";
import { ProtocolError } from "#shared/wire/errors.ts";
import { UpFrame } from "#shared/wire/frames.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { Replayer } from "#server/replay/replayer.ts";
import { ReplyFrames } from "#server/replay/reply-frames.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";
import { GpuLease } from "#server/worker/gpu-lease.ts";
import { answer, tell } from "./answer.ts";

// Plays a guest's up frames to a Replayer on Dawn, one connection a case. The arguments are Dawn's flags.

/** What waits for time is left out; what waits for memory is near enough to be met. */
const BOUNDS = {
  ...DEFAULT_BOUNDS,
  gpuMemoryMb: 64,
  mappedMemoryMb: 16,
  objects: 4096,
  compilesPerSecond: 1_000_000,
  uploadMbPerSecond: 1_000_000,
  readbackMbPerSecond: 1_000_000,
  errorsPerSecond: 1_000_000,
};

const COPY_SRC = 1;

/** Promises of a connection that is closed have settled after so many turns of the event loop. */
const TURNS = 3;

const gpu = create(process.argv.slice(2));
/** As in a GPU worker: nothing is submitted without credit, and the other side knows how long it takes. */
const lease = new GpuLease((message) => tell({ type: "gpu", message }));
answer({}, play, (message) => {
  if (message.type === "lease") lease.granted(message.lease, message.isContended);
  if (message.type === "revoke") lease.revoked(message.lease);
});

async function play(messages: readonly Buffer[]): Promise<{ taken: number; fault?: string }> {
  const budget = new SessionBudget(BOUNDS);
  const frames = new ReplyFrames(() => {});
  const replayer = new Replayer(gpu, {
    connection: 1,
    budget,
    surfaces: {
      captureUsage: () => COPY_SRC,
      present: async (picture) => {
        await picture.device.queue.onSubmittedWorkDone().catch(() => undefined);
        picture.destroy();
      },
      release: () => {},
    },
    reply: (reply) => frames.write(reply),
    submit: (queue, run) => lease.submit(queue, run),
    onAnimation: () => {},
    onEndFrame: (_tick, finished) => void finished,
  });
  let taken = 0;
  try {
    for (const message of messages) {
      taken++;
      await take(replayer, message);
      frames.flush();
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) return { taken, fault: faultOf(error) };
  } finally {
    replayer.close();
  }
  for (let left = TURNS; left > 0; left--) await turn();
  const { objects, hostMemory, gpuMemory } = budget;
  const books = { objects: objects.all.used, host: hostMemory.used, gpu: gpuMemory.used };
  const isBalanced = Object.values(books).every((used) => used === 0);
  if (isBalanced) return { taken };
  return { taken, fault: `A closed connection is still charged for ${JSON.stringify(books)}.` };
}

async function take(replayer: Replayer, message: Buffer): Promise<void> {
  const kind = message[0] ?? 0;
  const payload = message.subarray(1);
  switch (kind) {
    case UpFrame.commands:
      await replayer.execute(payload);
      return;
    case UpFrame.stagedCommands:
      await replayer.executeStaged();
      return;
    case UpFrame.payloadBegin:
      if (payload.length !== 8) throw new ProtocolError("A payload's length has not 8 bytes.");
      replayer.beginPayload(payload.readDoubleLE());
      return;
    case UpFrame.payloadChunk:
      replayer.payloadChunk(payload);
      return;
    default:
      throw new ProtocolError("The frame is of no kind that goes up after a hello.");
  }
}

function faultOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
