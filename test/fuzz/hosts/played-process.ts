import type { Played, Subject } from "../target.ts";
import { HostProcess } from "./host-process.ts";

/** A case that takes longer hangs. */
const DEADLINE_MS = 20_000;

/** A process that is played to by IPC, started anew after each end of it. */
export class PlayedProcess implements Subject {
  readonly #start: () => Promise<HostProcess>;
  readonly #signalIsDeath: boolean;
  #host: HostProcess;

  private constructor(
    start: () => Promise<HostProcess>,
    signalIsDeath: boolean,
    host: HostProcess,
  ) {
    this.#start = start;
    this.#signalIsDeath = signalIsDeath;
    this.#host = host;
  }

  /** `signalIsDeath`: it stands for a GPU worker, which a driver may end by a signal. */
  static async open(
    entry: string,
    args: readonly string[],
    signalIsDeath: boolean,
  ): Promise<PlayedProcess> {
    const start = (): Promise<HostProcess> => HostProcess.start(entry, args);
    return new PlayedProcess(start, signalIsDeath, await start());
  }

  async play(messages: readonly Buffer[]): Promise<Played> {
    const host = this.#host;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<{ sentence: string; signal: boolean }>((resolve) => {
      timer = setTimeout(() => {
        resolve({ sentence: `It has not answered for ${DEADLINE_MS / 1000} s.`, signal: false });
      }, DEADLINE_MS);
    });
    const outcome = await Promise.race([host.ask({ type: "play", messages }), host.failed, late]);
    clearTimeout(timer);
    if ("type" in outcome) {
      return outcome.type === "played" ? outcome : { taken: 0 };
    }
    await host[Symbol.asyncDispose]();
    this.#host = await this.#start();
    const { sentence, signal } = outcome;
    if (signal && this.#signalIsDeath) return { taken: messages.length, workerDeath: sentence };
    return { taken: messages.length, fault: sentence };
  }

  memory(): Promise<number> {
    return this.#host.memory();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}
