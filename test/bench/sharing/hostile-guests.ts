import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SessionReport } from "#shared/admin/session-report.ts";
import { Command, type Stack, type Vm } from "#test/support/stack.ts";
import { LOAD, loaded } from "./load.ts";

/** What of a session's report names it. */
type Known = Pick<SessionReport, "counts" | "lastError" | "quarantine">;

/** One guest that means harm. */
export type HostileGuest = {
  readonly name: string;
  /** Starts it, and goes on with it until the signal. */
  readonly attack: (stack: Stack, vm: Vm, signal: AbortSignal) => Promise<void>;
  /** Whether the admin API tells what the session did. */
  readonly isNamed: (report: Known) => boolean;
};

/** Work of a submit that takes a few milliseconds. */
const ROUNDS = 200;

/** More than ten programs that behave make together. */
const MANY_COMPILES = 30;
const MANY_ERRORS = 1000;

export const HOSTILE_GUESTS: readonly HostileGuest[] = [
  {
    name: "endless_shader",
    attack: runs("endless-shader.js"),
    isNamed: (report) => hasError(report, /held the GPU for [\d.]+ s, past the deadline/),
  },
  {
    name: "memory_bomb",
    attack: runs("memory-bomb.js"),
    isNamed: ({ counts }) => (counts["memory_refusals"] ?? 0) > 0,
  },
  {
    name: "pipeline_bomb",
    attack: runs("pipeline-bomb.js"),
    isNamed: ({ counts }) => (counts["compiles"] ?? 0) > MANY_COMPILES,
  },
  {
    name: "object_flood",
    attack: runs("object-flood.js"),
    isNamed: (report) => hasError(report, /has \d+ objects and makes one more/),
  },
  {
    name: "map_flood",
    attack: runs("map-flood.js"),
    isNamed: ({ counts }) => (counts["memory_refusals"] ?? 0) > 0,
  },
  {
    name: "error_flood",
    attack: runs("error-flood.js"),
    isNamed: ({ counts }) => (counts["uncaptured_errors"] ?? 0) > MANY_ERRORS,
  },
  {
    name: "giant_dispatch",
    attack: runs("giant-dispatch.js"),
    isNamed: ({ counts }) => (counts["lost_devices"] ?? 0) > 0,
  },
  {
    name: "reconnect_loop",
    attack: async ({ url }, { token }, signal) => {
      const env = { ...process.env, RECONNECT_URL: url, RECONNECT_TOKEN: token };
      await using loop = new Command(process.execPath, [scene("reconnect-loop.ts")], env);
      await until(signal, loop);
    },
    isNamed: ({ counts }) => (counts["refused_joins"] ?? 0) > 0,
  },
  {
    name: "worker_segfault",
    attack: async (stack, vm, signal) => {
      await using loop = vm.run(LOAD, restarting());
      for (let killed: number | undefined; !signal.aborted;) {
        const worker = stack.workerOf(vm.session);
        await delay(200);
        if (worker === undefined || worker === killed) continue;
        killed = worker;
        await delay(1000, undefined, { signal }).catch(() => {});
        process.kill(worker, "SIGSEGV");
      }
      await until(signal, loop);
    },
    isNamed: (report) => hasError(report, /ended by SIGSEGV/),
  },
  {
    name: "lying_worker",
    attack: async (stack, vm, signal) => {
      await using loop = vm.run(LOAD, restarting());
      await loop.line(/^bench-frames/);
      process.kill(stack.workerOf(vm.session)!, "SIGUSR2");
      await until(signal, loop);
    },
    isNamed: (report) => hasError(report, /broke its protocol/),
  },
];

/** A program of scenes/hostile, which is started again whenever it is thrown out. */
function runs(file: string): HostileGuest["attack"] {
  return async (_stack, vm, signal) => {
    await using running = vm.run(scene(file), { args: ["--restart"] });
    await until(signal, running);
  };
}

function restarting() {
  const { args = [], ...others } = loaded(ROUNDS, true);
  return { ...others, args: [...args, "--restart"] };
}

async function until(signal: AbortSignal, running: Command): Promise<void> {
  if (!signal.aborted) await Promise.race([once(signal, "abort"), running.ended]);
  if (signal.aborted) return;
  // It gave up, being kept out: what it left is measured all the same.
  await once(signal, "abort");
}

function hasError({ lastError, quarantine }: Known, pattern: RegExp): boolean {
  return pattern.test(lastError?.sentence ?? "") || pattern.test(quarantine ?? "");
}

function scene(file: string): string {
  return fileURLToPath(new URL(`../scenes/hostile/${file}`, import.meta.url));
}
