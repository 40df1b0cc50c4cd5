import { encodeInput } from "#shared/input/codec.ts";
import type { InputEvent } from "#shared/input/events.ts";
import { INPUT_READY } from "#shared/signaling/messages.ts";

/** Moves waiting in the browser. More of them would arrive as a delayed replay of the hand. */
export const MAX_WAITING_MOVE_BYTES = 4 * 1024;

/** The data channels of the current peer connection. What is sent while there are none is lost, as it should be. */
export class InputChannels {
  readonly #ready: () => void;
  #input: RTCDataChannel | undefined;
  #moves: RTCDataChannel | undefined;

  /** `ready` is called when the reliable channel of a new peer connection carries what is sent. */
  constructor(ready: () => void) {
    this.#ready = ready;
  }

  use(label: "input" | "moves", channel: RTCDataChannel): void {
    if (label === "moves") {
      this.#moves = channel;
      return;
    }
    this.#input = channel;
    channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (data === INPUT_READY) this.#ready();
    });
  }

  /** The peer connection that they belonged to is gone. */
  clear(): void {
    this.#input = undefined;
    this.#moves = undefined;
  }

  /** A move that presses or releases a further button is as important as a first press. */
  readonly send = (event: InputEvent): void => {
    const unreliable = event.type === "pointermove" && event.button === -1;
    const channel = unreliable ? this.#moves : this.#input;
    if (channel?.readyState !== "open") return;
    if (unreliable && channel.bufferedAmount > MAX_WAITING_MOVE_BYTES) return;
    channel.send(new Uint8Array(encodeInput(event)));
  };
}
