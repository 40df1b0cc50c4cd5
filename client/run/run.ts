import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { printable } from "#shared/base/printable.ts";
import { guestEnvironment, readRunEnvironment } from "./env.ts";
import type { PageSize } from "./layout.ts";
import { LostFile } from "./lost-file.ts";
import { keepRunning } from "./restart.ts";

export type RunOptions = {
  readonly command: string;
  readonly args: readonly string[];
  /** The relay's Unix socket; absent: HELIOGRAPH_RELAY, else the relay's default. */
  readonly socket?: string | undefined;
  /** The program's window before the operator's own size is known. */
  readonly size?: PageSize | undefined;
  /** Starts the program again when it ended because its connection was lost. */
  readonly restart?: boolean;
};

/** The program cannot be started: the message says why and what to do. */
export class RunError extends Error {
  override name = "RunError" as const;
}

/** Signals that the program is to hear when whoever runs it gets them. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGCONT"] as const;
/** Those by which somebody wants it to end for good. */
const ENDING: ReadonlySet<NodeJS.Signals> = new Set(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]);

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
  const size = options.size ?? environment.size;
  using lostFile = options.restart === true ? new LostFile() : undefined;
  const env = guestEnvironment({ socket, size, lostFile: lostFile?.path }, preload);
  using program = new Program(options.command, options.args, env);
  return await keepRunning({
    run: async () => ({ status: await program.run(), lost: lostFile?.take() }),
    report: (text) => void process.stderr.write(`heliograph run: ${printable(text)}\n`),
    stop: program.stopped,
    wait: (milliseconds) =>
      delay(milliseconds, undefined, { signal: program.stopped }).catch(() => {}),
    now: () => performance.now(),
  });
}

/** A program that may run more than once, and hears the signals that whoever runs it gets. */
class Program implements Disposable {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #stop = new AbortController();
  #child: ChildProcess | undefined;
  readonly #forward = (signal: NodeJS.Signals): void => {
    this.#child?.kill(signal);
    if (ENDING.has(signal)) this.#stop.abort();
  };

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#command = command;
    this.#args = args;
    this.#env = env;
    for (const signal of FORWARDED) process.on(signal, this.#forward);
  }

  /** It is not to be run again. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Resolves with the exit status. Throws RunError. */
  async run(): Promise<number> {
    const child = spawn(this.#command, this.#args, { stdio: "inherit", env: this.#env });
    this.#child = child;
    const status = await ended(child, this.#command);
    this.#child = undefined;
    return status;
  }

  [Symbol.dispose](): void {
    for (const signal of FORWARDED) process.off(signal, this.#forward);
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
