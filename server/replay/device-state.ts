import type { ReplayHost } from "./replay-host.ts";
import { describeError, ErrorScopes, type ReportedError } from "./error-scopes.ts";

/** A device of the guest, and what Dawn reports of it outside any call. */
export class DeviceState {
  readonly dawn: GPUDevice;
  readonly scopes = new ErrorScopes();
  readonly #id: number;
  readonly #reply: ReplayHost["reply"];
  #isReleased = false;
  #isLost = false;

  constructor(id: number, device: GPUDevice, reply: ReplayHost["reply"]) {
    this.dawn = device;
    this.#id = id;
    this.#reply = reply;
    device.addEventListener("uncapturederror", (event) => {
      event.preventDefault(); // Dawn would print it.
      this.#uncaptured(describeError(event.error));
    });
    void this.#watchLoss();
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Reports an error that replay found and Dawn cannot know of, as WebGPU would. */
  report(error: ReportedError): void {
    if (!this.scopes.capture(error)) this.#uncaptured(error);
  }

  /** The guest let go of its handle: nothing more can be said of it. */
  release(): void {
    this.#isReleased = true;
  }

  async #watchLoss(): Promise<void> {
    const { reason, message } = await this.dawn.lost;
    this.#isLost = true;
    if (this.#isReleased) return;
    this.#reply({ kind: "deviceLost", device: this.#id, reason: reason ?? "unknown", message });
  }

  #uncaptured(error: ReportedError): void {
    if (!this.#isReleased) this.#reply({ kind: "uncapturedError", device: this.#id, error });
  }
}
