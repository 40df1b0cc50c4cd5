import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { GpuMessage } from "#server/worker/messages.ts";
import type { FromHost, ToHost } from "./messages.ts";

/** What it printed last: a stack fits. */
const KEPT_OUTPUT = 4000;

type Answer = Extract<FromHost, { type: "played" | "memory" }>;

/** A process under test. Its end is a fault, or a worker's death where a signal ended it. */
export class HostProcess implements AsyncDisposable {
  readonly place: Readonly<Record<string, string>>;
  /** Resolves when the process ends unasked or tells a fault of its own; and not else. */
  readonly failed: Promise<{ readonly sentence: string; readonly signal: boolean }>;
  /** Why GPU workers of a gateway ended unasked, oldest first. */
  readonly workersEnded: string[] = [];
  readonly #child: ChildProcess;

  private constructor(
    child: ChildProcess,
    place: Readonly<Record<string, string>>,
    failed: Promise<{ readonly sentence: string; readonly signal: boolean }>,
  ) {
    this.#child = child;
    this.place = place;
    this.failed = failed;
    child.on("message", (message: FromHost) => {
      if (message.type === "workerEnded") this.workersEnded.push(message.reason);
    });
  }

  /** `entry` is a module of test/fuzz/hosts. */
  static async start(
    entry: string,
    args: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<HostProcess> {
    const child = fork(fileURLToPath(new URL(entry, import.meta.url)), args, {
      execArgv: ["--expose-gc"],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, ...environment },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output = (output + text).slice(-KEPT_OUTPUT);
      });
    }
    const failed = new Promise<{ sentence: string; signal: boolean }>((resolve) => {
      child.on("message", (message: FromHost) => {
        if (message.type === "fault") resolve({ sentence: message.sentence, signal: false });
      });
      child.once("close", (code: number | null, signal: NodeJS.Signals | null) => {
        const how = signal === null ? `with code ${code}` : `by ${signal}`;
        resolve({ sentence: `The process ended ${how}: ${output}`, signal: signal !== null });
      });
    });
    const ready = new Promise<Readonly<Record<string, string>>>((resolve) => {
      child.on("message", (message: FromHost) => {
        if (message.type === "ready") resolve(message.place);
      });
    });
    const early = failed.then(({ sentence }) => Promise.reject(new Error(sentence)));
    return new HostProcess(child, await Promise.race([ready, early]), failed);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Hears what a process that stands for a GPU worker says of its submits. */
  onGpu(hear: (message: GpuMessage) => void): void {
    this.#child.on("message", (message: FromHost) => {
      if (message.type === "gpu") hear(message.message);
    });
  }

  send(message: ToHost): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Resolves with the answer; stays pending where the process fails first. */
  async ask(message: ToHost): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => {
      const listen = (reply: FromHost): void => {
        if (reply.type !== "played" && reply.type !== "memory") return;
        this.#child.off("message", listen);
        resolve(reply);
      };
      this.#child.on("message", listen);
    });
    this.send(message);
    return answer;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async memory(): Promise<number> {
    const failed = this.failed.then(({ sentence }) => Promise.reject(new Error(sentence)));
    const answer = await Promise.race([this.ask({ type: "memory" }), failed]);
    return answer.type === "memory" ? answer.bytes : 0;
  }

  /** Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "exit");
      this.kill();
      await ended;
    }
    const { folder } = this.place;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}
