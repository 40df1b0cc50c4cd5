import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process that does not end when it is asked to is killed after this. */
const PATIENCE_MS = 5_000;

const HELIOGRAPH = fileURLToPath(import.meta.resolve("./heliograph.ts"));
const FOLLOW_PARENT = import.meta.resolve("./follow-parent.ts");

/** One heliograph command in a process of its own, with all that it starts. Whoever starts it closes it. */
export class Child implements AsyncDisposable {
  readonly name: string;
  /** What follows "ready" in the line that the command prints once it works. Rejects if it ends before. */
  readonly ready: Promise<string>;
  /** Resolves with a sentence. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  #isOver = false;

  /** `report` gets what the command says to people, a line at a time. */
  constructor(name: string, args: readonly string[], report: (line: string) => void) {
    this.name = name;
    // A group of its own: Ctrl-C in the terminal reaches the demo alone, which ends all in order.
    const child = spawn(process.execPath, ["--import", FOLLOW_PARENT, HELIOGRAPH, ...args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("The child's output is not a pipe.");
    this.#process = child;
    this.ended = (async () => {
      const [code, signal] = await once(child, "exit");
      this.#isOver = true;
      return `The ${name} ended (${signal === null ? `exit code ${code}` : signal}).`;
    })();
    this.ready = new Promise((resolve, reject) => {
      createInterface(stdout).on("line", (line) => {
        const [, rest] = /^ready (.*)$/.exec(line) ?? [];
        if (rest === undefined) report(line);
        else resolve(rest);
      });
      void this.ended.then((sentence) => reject(new Error(sentence)));
    });
    this.ready.catch(() => {}); // Not every command says that it is ready.
    createInterface(stderr).on("line", report);
  }

  /** Asks the command to end, and kills it and all that it started when it does not. Idempotent. */
  async close(): Promise<void> {
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
    this.#signal("SIGKILL"); // What it started and did not end.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      if (signal === "SIGKILL") process.kill(-pid, signal);
      else if (!this.#isOver) process.kill(pid, signal);
    } catch (error) {
      // Nobody is left in the group.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}
