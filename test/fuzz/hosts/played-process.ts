import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import { usualSubmitDeadline } from "#server/scheduler/submit-deadline.ts";
import { GpuSeat } from "#server/session/gpu-seat.ts";
import { overdueSentence } from "#server/session/offences.ts";
import { processorTime } from "#server/session/processor-time.ts";
import type { ToWorker } from "#server/worker/messages.ts";
import type { Played, Subject } from "../target.ts";
import { HostProcess } from "./host-process.ts";

/** A case that takes longer hangs. */
const DEADLINE_MS = 20_000;

/** A process that is played to by IPC, started anew after each end of it. */
export class PlayedProcess implements Subject {
  readonly #start: () => Promise<HostProcess>;
  /** Where it stands for a GPU worker: a driver may end it by a signal, and a submit's deadline as in a session. */
  readonly #gpu: GpuScheduler | undefined;
  #host: HostProcess;
  #seat: GpuSeat | undefined;
  /** Why its deadline ended the host. */
  #overdue: string | undefined;

  private constructor(
    start: () => Promise<HostProcess>,
    gpu: GpuScheduler | undefined,
    host: HostProcess,
  ) {
    this.#start = start;
    this.#gpu = gpu;
    this.#host = host;
    this.#sit();
  }

  static async open(entry: string): Promise<PlayedProcess> {
    const start = (): Promise<HostProcess> => HostProcess.start(entry);
    return new PlayedProcess(start, undefined, await start());
  }

  /** `flags` are Dawn's. */
  static async openWorker(entry: string, flags: readonly string[]): Promise<PlayedProcess> {
    const start = (): Promise<HostProcess> => HostProcess.start(entry, flags);
    const gpu = new GpuScheduler({ deadlineMs: () => usualSubmitDeadline(true) });
    return new PlayedProcess(start, gpu, await start());
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
    this.#seat?.[Symbol.dispose]();
    await host[Symbol.asyncDispose]();
    this.#host = await this.#start();
    const how = this.#overdue ?? outcome.sentence;
    this.#sit();
    const taken = messages.length;
    return outcome.signal && this.#gpu !== undefined
      ? { taken, workerDeath: how }
      : { taken, fault: how };
  }

  memory(): Promise<number> {
    return this.#host.memory();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#seat?.[Symbol.dispose]();
    this.#gpu?.[Symbol.dispose]();
    await this.#host[Symbol.asyncDispose]();
  }

  /** A session's place at the GPU, for this host. */
  #sit(): void {
    this.#overdue = undefined;
    if (this.#gpu === undefined) return;
    const host = this.#host;
    const worker = {
      get processorMs() {
        return processorTime(host.pid);
      },
      ready: { isSoftware: true },
      send: (message: ToWorker) => host.send({ type: "gpu", message }),
    };
    const seat = new GpuSeat(
      this.#gpu,
      worker,
      { policy: "best-effort" },
      {
        charged: () => {},
        overdue: (milliseconds) => {
          this.#overdue = overdueSentence(milliseconds);
          host.kill();
        },
      },
    );
    host.onGpu((message) => seat.told(message));
    this.#seat = seat;
  }
}
