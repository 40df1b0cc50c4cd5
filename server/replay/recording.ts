import type { DeviceState } from "./device-state.ts";
import type { Ledger } from "./memory-ledger.ts";

/** What Dawn keeps of a command besides its arguments. */
const COMMAND_BYTES = 32;
/** An id or small number is one byte on the wire and eight in Dawn. */
const BYTES_PER_WIRE_BYTE = 8;
/** Less is not charged: most encoders record a few commands, and a session has so many encoders at most. */
const SMALLEST_CHARGE_BYTES = 4096;

/**
 * What the commands of one encoder take of the host for as long as they may be submitted. Bounds a
 * program that records without end. Held by the handles of the encoder, of its passes, and of what it
 * becomes: when the last is released, or the commands are submitted, the memory is given back.
 */
export class Recording {
  readonly #device: Pick<DeviceState, "memory" | "lose">;
  readonly #memory: Ledger;
  readonly #charges: { release(): void }[] = [];
  #charged = 0;
  #uncharged = 0;
  #holders = 0;

  constructor(device: Pick<DeviceState, "memory" | "lose">, memory: Ledger) {
    this.#device = device;
    this.#memory = memory;
  }

  /** A command of this many bytes on the wire was recorded. Where there is no memory for it, the device is lost. */
  add(wireBytes: number): void {
    this.#uncharged += COMMAND_BYTES + BYTES_PER_WIRE_BYTE * wireBytes;
    // Few charges, and little that is not charged: a quarter of what is.
    if (this.#uncharged >= Math.max(SMALLEST_CHARGE_BYTES, this.#charged / 4)) this.#charge();
  }

  hold(): void {
    this.#holders++;
  }

  /** A handle that held it was released. */
  drop(): void {
    this.#holders--;
    if (this.#holders === 0) this.release();
  }

  /** Dawn keeps the commands no longer. */
  release(): void {
    for (const charge of this.#charges.splice(0)) charge.release();
    this.#charged = 0;
    this.#uncharged = 0;
  }

  #charge(): void {
    const charge = this.#device.memory.take(this.#memory, this.#uncharged);
    if (charge === undefined) {
      const { used, quota } = this.#memory;
      this.#device.lose(
        `Commands that are recorded and not submitted take more host memory than this session may use: ${used} of ${quota} bytes are in use.`,
      );
      return;
    }
    this.#charges.push(charge);
    this.#charged += this.#uncharged;
    this.#uncharged = 0;
  }
}
