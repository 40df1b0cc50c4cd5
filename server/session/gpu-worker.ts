import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { WorkerCommand } from "#server/confine/command.ts";
import type { ControlGroup } from "#server/confine/control-groups.ts";
import { type Bounds, DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import type { WorkerRecordings } from "#server/recording/recorder.ts";
import type { FromWorker, ToGateway, ToWorker } from "#server/worker/messages.ts";
import { sendControl, WorkerMessages } from "./control-channel.ts";
import { HostWatch } from "./host-watch.ts";
import { WorkerOutput } from "./worker-output.ts";
import { KILLED, WorkerProcess } from "./worker-process.ts";
import { CONTROL_CONNECTION, NONCE_BYTES, WorkerSocket } from "./worker-socket.ts";

/** From spawn to "ready": Dawn, a device and the encoder's probe. Past it the worker counts as hung. */
const START_TIMEOUT_MS = 20_000;
/** From "open" to the dialled data socket. A software GPU compiles inside submits, for seconds. */
const OPEN_TIMEOUT_MS = 15_000;
/** From "shutdown" to exit. Past it the worker is killed. */
const SHUTDOWN_TIMEOUT_MS = 1_000;

export type WorkerPlace = {
  readonly command: WorkerCommand;
  /** Path of the Unix socket to make, in a folder that only this user enters. */
  readonly socketPath: string;
  readonly mediaSocketPath: string;
  /** 32 bytes, hex: what the media thread expects from this worker. */
  readonly mediaNonce: string;
  /** Bytes of the host's memory that the process may take. Absent: as many as it likes. */
  readonly maxHostMemory?: number;
  /** The worker's own, removed with it; absent where the gateway can make none. */
  readonly controlGroup?: ControlGroup | undefined;
  /** Absent: no connection is recorded. */
  readonly recordings?: WorkerRecordings;
};

export type WorkerEvents = {
  readonly message: (message: ToGateway) => void;
  /** Called once, after "ready" only. The reason is a sentence. */
  readonly ended: (reason: string) => void;
  readonly output: (line: string) => void;
};

export type ReadyMessage = Extract<ToGateway, { type: "ready" }>;

/** A worker did not start or did not answer; the message is a sentence. */
export class WorkerError extends Error {
  override name = "WorkerError" as const;
}

/**
 * One GPU worker process. It is ended by SIGKILL and never waited for: a hung GPU call holds its
 * process for ever. Whoever starts one calls stop() or kill().
 */
export class GpuWorker {
  /** The worker's own, also where bubblewrap's processes stand between it and the gateway. */
  readonly pid: number;
  readonly ready: ReadyMessage;
  readonly #parts: Parts;
  #bounds: Bounds = DEFAULT_BOUNDS;

  private constructor(ready: ReadyMessage, parts: Parts) {
    this.pid = parts.process.pid;
    this.ready = ready;
    this.#parts = parts;
  }

  /** Throws WorkerError; then nothing of the worker is left. */
  static async start(
    place: WorkerPlace,
    events: WorkerEvents,
    signal: AbortSignal,
  ): Promise<GpuWorker> {
    signal.throwIfAborted();
    const nonce = randomBytes(NONCE_BYTES);
    const socket = await WorkerSocket.listen(place.socketPath, nonce);
    const parts = new Parts(socket, spawnWorker(place, nonce), events, place);
    try {
      const ready = await parts.introduce(
        AbortSignal.any([AbortSignal.timeout(START_TIMEOUT_MS), signal]),
      );
      return new GpuWorker(ready, parts);
    } catch (cause) {
      const reason = signal.aborted
        ? sentenceOf(signal.reason)
        : (parts.endReason ?? `The GPU worker was not ready after ${START_TIMEOUT_MS / 1000} s.`);
      parts.kill(reason);
      await parts.exited;
      throw new WorkerError(reason, { cause });
    }
  }

  /** Resolves with the data socket of a new connection, which the caller owns. Throws WorkerError. */
  async open(connection: number): Promise<Socket> {
    const { adapter, isSoftware } = this.ready;
    const about = { adapter: { name: adapter, isSoftware }, bounds: this.#bounds };
    const isRecorded = (await this.#parts.recordings?.begin(connection, about)) === true;
    const timeout = AbortSignal.timeout(OPEN_TIMEOUT_MS);
    const signal = AbortSignal.any([timeout, this.#parts.ending]);
    try {
      const dialled = this.#parts.socket.expect(connection, signal);
      this.send({ type: "open", connection, ...(isRecorded ? { isRecorded } : {}) });
      return await dialled;
    } catch (cause) {
      if (timeout.aborted) {
        this.kill(`The GPU worker hangs: no answer for ${OPEN_TIMEOUT_MS / 1000} s.`);
      }
      const reason = this.#parts.endReason ?? "The GPU worker ended.";
      // It may have begun after the worker's end.
      this.#parts.recordings?.connectionEnded(connection, reason);
      throw new WorkerError(reason, { cause });
    }
  }

  send(message: ToWorker): void {
    if (message.type === "bounds") this.#bounds = message.bounds;
    this.#parts.send(message);
  }

  /** Milliseconds of processor time that it had so far; undefined where the system does not tell. */
  get processorMs(): number | undefined {
    return this.#parts.process.processorMs;
  }

  /** Another bound of the host's memory, for a worker that was started with one. Bytes. */
  limitHostMemory(maxBytes: number): void {
    this.#parts.limitHostMemory(maxBytes);
  }

  /** At once, whatever it is doing. The first reason given is the one that `ended` tells. */
  kill(reason: string): void {
    this.#parts.kill(reason);
  }

  /** Asks, then kills. Resolves when the process is gone. */
  async stop(reason: string): Promise<void> {
    this.#parts.endReason ??= reason;
    this.send({ type: "shutdown" });
    const timer = setTimeout(() => this.kill(reason), SHUTDOWN_TIMEOUT_MS);
    await this.#parts.exited;
    clearTimeout(timer);
  }
}

/** The process, its control socket and the socket it dials, which end together. */
class Parts {
  readonly socket: WorkerSocket;
  readonly process: WorkerProcess;
  readonly exited: Promise<void>;
  readonly recordings: WorkerRecordings | undefined;
  endReason: string | undefined;
  readonly #events: WorkerEvents;
  readonly #maxHostMemory: number | undefined;
  readonly #controlGroup: ControlGroup | undefined;
  #hostWatch: HostWatch | undefined;
  readonly #messages = new WorkerMessages();
  readonly #ending = new AbortController();
  #control: Socket | undefined;
  #onReady: ((ready: ReadyMessage) => void) | undefined;
  #wasReady = false;
  #hungUp = false;
  readonly #output = new WorkerOutput();

  constructor(
    socket: WorkerSocket,
    process: WorkerProcess,
    events: WorkerEvents,
    { maxHostMemory, controlGroup, recordings }: WorkerPlace,
  ) {
    this.socket = socket;
    this.process = process;
    this.#events = events;
    this.#maxHostMemory = maxHostMemory;
    this.#controlGroup = controlGroup;
    this.recordings = recordings;
    this.exited = process.exited.then((how) => {
      this.#exited(how);
      return controlGroup?.remove();
    });
    void socket.flooded.then((reason) => this.kill(`The GPU worker broke its protocol: ${reason}`));
    process.onOutput((text) => {
      for (const line of this.#output.push(text)) events.output(line);
    });
  }

  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  async introduce(patience: AbortSignal): Promise<ReadyMessage> {
    const signal = AbortSignal.any([patience, this.ending]);
    const ready = new Promise<ReadyMessage>((resolve, reject) => {
      this.#onReady = resolve;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    ready.catch(() => {}); // The abort also ends the wait for the control socket, which is told first.
    const control = await this.socket.expect(CONTROL_CONNECTION, signal);
    this.#control = control;
    this.process.locate();
    if (this.#maxHostMemory !== undefined) {
      this.#hostWatch = new HostWatch(
        this.#maxHostMemory,
        () => this.process.hostUse,
        (reason) => this.kill(reason),
      );
    }
    control.on("error", () => control.destroy());
    control.on("end", () => control.destroy());
    control.on("close", () => {
      // Most often it is dying, and its exit tells more. If it is not, it is of no more use.
      this.#hungUp = true;
      this.process.kill();
    });
    control.on("data", (chunk: Buffer) => this.#read(chunk));
    return ready;
  }

  limitHostMemory(maxBytes: number): void {
    if (this.#hostWatch !== undefined) this.#hostWatch.maxBytes = maxBytes;
    this.#controlGroup?.limit(maxBytes).catch((error: unknown) => {
      if (!this.#ending.signal.aborted) this.kill(`Its memory can't be bounded: ${String(error)}`);
    });
  }

  send(message: ToWorker): void {
    if (this.#control === undefined || this.#ending.signal.aborted) return;
    try {
      sendControl(this.#control, message);
    } catch (error) {
      this.kill(sentenceOf(error));
    }
  }

  kill(reason: string): void {
    this.endReason ??= reason;
    this.process.kill();
  }

  #read(chunk: Buffer): void {
    try {
      for (const message of this.#messages.push(chunk)) {
        if (this.#ending.signal.aborted) return;
        if (message.type === "ready") this.#becomeReady(message);
        else if (this.#wasReady) this.#tell(message);
        else throw new Error(`It said "${message.type}" before it was ready.`);
      }
    } catch (error) {
      this.kill(`The GPU worker broke its protocol: ${sentenceOf(error)}`);
    }
  }

  #tell(message: FromWorker): void {
    const { recordings } = this;
    if (message.type === "pictureHash") {
      recordings?.picture(message.connection, message.hash);
    } else if (message.type === "mappedHash") {
      recordings?.mapped(message.connection, message.hash);
    } else {
      if (message.type === "connectionEnded") {
        recordings?.connectionEnded(message.connection, message.reason);
      }
      this.#events.message(message);
    }
  }

  #becomeReady(ready: ReadyMessage): void {
    if (this.#wasReady) throw new Error('It said "ready" twice.');
    this.#wasReady = true;
    this.#onReady?.(ready);
  }

  #exited(how: string): void {
    if (this.#controlGroup?.wasFull === true) this.endReason ??= OUT_OF_MEMORY;
    this.endReason ??= this.#hungUp && how === KILLED ? HUNG_UP : this.#withLastWords(how);
    this.#ending.abort(new Error(this.endReason));
    this.#hostWatch?.[Symbol.dispose]();
    this.#control?.destroy();
    this.socket.close();
    this.recordings?.workerEnded(this.endReason);
    if (this.#wasReady) this.#events.ended(this.endReason);
  }

  #withLastWords(how: string): string {
    return this.#output.last === "" ? how : `${how} It last said: ${this.#output.last}`;
  }
}

const HUNG_UP = "The GPU worker closed its control socket.";
const OUT_OF_MEMORY =
  "The kernel ended the GPU worker, which took more of the host's memory than its profile allows (hostMemoryMb).";

function spawnWorker(place: WorkerPlace, nonce: Uint8Array): WorkerProcess {
  const { command, controlGroup } = place;
  return new WorkerProcess(controlGroup?.around(command) ?? command, {
    HELIOGRAPH_WORKER_SOCKET: place.socketPath,
    HELIOGRAPH_WORKER_NONCE: Buffer.from(nonce).toString("hex"),
    HELIOGRAPH_MEDIA_SOCKET: place.mediaSocketPath,
    HELIOGRAPH_MEDIA_NONCE: place.mediaNonce,
  });
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
