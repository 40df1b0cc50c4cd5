import type { ReplayHost } from "./replay-host.ts";
import { describeError, ErrorScopes, type ReportedError } from "./error-scopes.ts";
import { ErrorSummary } from "./error-summary.ts";
import { Holdings, type Ledger } from "./memory-ledger.ts";

/** A device of the guest, and what Dawn reports of it outside any call. */
export class DeviceState {
  readonly dawn: GPUDevice;
  readonly scopes = new ErrorScopes();
  /** What its objects take of the session's memory. */
  readonly memory = new Holdings();
  readonly #id: number;
  readonly #host: Pick<ReplayHost, "reply" | "budget">;
  readonly #summary = new ErrorSummary((error) => this.#tell(error));
  readonly #hear = (event: GPUUncapturedErrorEvent): void => {
    event.preventDefault(); // Dawn would print it.
    this.#uncaptured(describeError(event.error));
  };
  #isReleased = false;
  #isLost = false;

  constructor(id: number, device: GPUDevice, host: Pick<ReplayHost, "reply" | "budget">) {
    this.dawn = device;
    this.#id = id;
    this.#host = host;
    device.addEventListener("uncapturederror", this.#hear);
    void this.#watchLoss();
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Reports an error that replay found and Dawn cannot know of, as WebGPU would. */
  report(error: ReportedError): void {
    if (!this.scopes.capture(error)) this.#uncaptured(error);
  }

  reportOutOfMemory(what: string, bytes: number, { used, quota }: Ledger): void {
    this.#host.budget.tally.count("memory_refusals");
    const message = `${what} takes ${bytes} bytes, and ${used} of the ${quota} that this session may use are in use.`;
    this.report({ type: "out-of-memory", message });
  }

  /** Destroys it with all that was made on it. Idempotent. */
  destroy(): void {
    this.memory.close();
    this.dawn.destroy();
  }

  /** Its program went over a limit for which WebGPU has no error: it is lost, and the message says why. */
  lose(message: string): void {
    if (!this.#isLost) this.#host.budget.tally.count("lost_devices");
    this.#becomeLost("unknown", message);
    this.destroy();
  }

  /** The guest let go of its handle, and so of all that was made on it: nothing more can be said of it. */
  release(): void {
    this.#isReleased = true;
    this.#summary.close();
    this.destroy();
  }

  async #watchLoss(): Promise<void> {
    const { reason, message } = await this.dawn.lost;
    // Dawn's binding keeps its device for the life of the process, and what listens to it: the whole connection.
    this.dawn.removeEventListener("uncapturederror", this.#hear);
    this.memory.close();
    this.#becomeLost(reason ?? "unknown", message);
  }

  #becomeLost(reason: GPUDeviceLostReason, message: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (this.#isReleased) return;
    this.#host.reply({ kind: "deviceLost", device: this.#id, reason, message });
  }

  #uncaptured(error: ReportedError): void {
    if (this.#isReleased) return;
    this.#host.budget.tally.count("uncaptured_errors");
    if (this.#host.budget.mayTellError()) this.#tell(error);
    else this.#summary.add(error);
  }

  #tell(error: ReportedError): void {
    this.#host.reply({ kind: "uncapturedError", device: this.#id, error });
  }
}
