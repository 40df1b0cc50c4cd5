import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { constants } from "node:os";
import { guestEnvironment, readRunEnvironment } from "./env.ts";
import type { PageSize } from "./layout.ts";

export type RunOptions = {
  readonly command: string;
  readonly args: readonly string[];
  /** The relay's Unix socket; absent: HELIOGRAPH_RELAY, else the relay's default. */
  readonly socket?: string | undefined;
  /** The program's window before the operator's own size is known. */
  readonly size?: PageSize | undefined;
};

/** The program cannot be started: the message says why and what to do. */
export class RunError extends Error {
  override name = "RunError" as const;
}

/** Signals that the program is to hear when whoever runs it gets them. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGCONT"] as const;

/**
 * Runs a program as a guest, unchanged, and resolves with its exit status, as a shell counts it (128
 * and the signal's number for a program that a signal ended). Throws RunError.
 */
export async function runProgram(options: RunOptions): Promise<number> {
  const environment = readRunEnvironment();
  const socket = options.socket ?? environment.socket;
  await checkRelay(socket);
  // The module beside this one, of the same kind: TypeScript in a checkout, JavaScript once built.
  const preload = new URL(import.meta.url.replace(/\/run(\.\w+)$/, "/preload$1"));
  const child = spawn(options.command, options.args, {
    stdio: "inherit",
    env: guestEnvironment({ socket, size: options.size ?? environment.size }, preload),
  });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    return await ended(child, options.command);
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

async function checkRelay(socket: string): Promise<void> {
  const found = await stat(socket).catch(() => undefined);
  if (found?.isSocket()) return;
  throw new RunError(
    `No relay listens at ${socket}: start one with "heliograph relay --gateway URL --token-file FILE", ` +
      "or name its socket with --socket.",
  );
}

function ended(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      reject(
        new RunError(`The program ${command} cannot be started (${cause.message}).`, { cause }),
      );
    });
    child.once("exit", (code, signal) => {
      resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal]);
    });
  });
}
