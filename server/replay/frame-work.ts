import type { DeviceState } from "./device-state.ts";

/** What one frame of the guest gave the GPU to do: submits and pictures since the last frame's end. */
export class FrameWork {
  readonly #submitted = new Set<DeviceState>();
  readonly #presented: Promise<void>[] = [];

  submitted(device: DeviceState): void {
    this.#submitted.add(device);
  }

  presented(captured: Promise<void>): void {
    this.#presented.push(captured);
  }

  /** Ends the frame and starts another. Resolves when the GPU has done all of it; never rejects. */
  async end(): Promise<void> {
    const work = this.#presented.splice(0);
    for (const { dawn } of this.#submitted) {
      // Rejects when the device is lost, and there is nothing left to wait for.
      work.push(dawn.queue.onSubmittedWorkDone().then(nothing, nothing));
    }
    this.#submitted.clear();
    await Promise.all(work);
  }
}

function nothing(): void {}
