import { writeAnimation, writeEndFrame } from "#shared/wire/gen/write-commands.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { afterTask } from "./after-task.ts";
import type { Connection } from "./connection.ts";

/** A surface whose texture was taken and is not yet shown. */
export interface Presentable {
  present(): void;
}

/**
 * requestAnimationFrame on the gateway's ticks, and the moment at which surfaces are presented: the
 * end of the task in which the program submitted something after it took a surface's texture.
 */
export class Animation {
  readonly #connection: Connection;
  readonly #reportException: (error: unknown) => void;
  #callbacks = new Map<number, (time: number) => void>();
  #lastHandle = 0;
  /** What the worker was told last. */
  #isRunning = false;
  #isHeld = false;
  readonly #touched = new Set<Presentable>();
  #isPresentScheduled = false;
  /** Granted and not yet answered, the first of them being drawn. */
  readonly #ticks: number[] = [];

  constructor(connection: Connection, reportException: (error: unknown) => void) {
    this.#connection = connection;
    this.#reportException = reportException;
    connection.onFrame("tick", (payload) => this.#onTick(payload));
    connection.stream.onSubmit = () => this.#schedulePresent();
  }

  request(callback: (time: number) => void): number {
    if (typeof callback !== "function") throw new TypeError("The callback is not a function.");
    const handle = ++this.#lastHandle;
    this.#callbacks.set(handle, callback);
    if (!this.#isRunning) this.#setRunning(true);
    this.#updateHold();
    void this.#connection.open();
    return handle;
  }

  cancel(handle: number): void {
    this.#callbacks.delete(handle);
    this.#updateHold();
  }

  /** The program took the surface's texture: it is presented once it has been drawn to. */
  touch(surface: Presentable): void {
    this.#touched.add(surface);
  }

  /** The surface's texture will not be shown. */
  untouch(surface: Presentable): void {
    this.#touched.delete(surface);
  }

  #onTick(payload: Uint8Array): void {
    if (payload.length !== 4) throw new ProtocolError(`A tick has ${payload.length} bytes, not 4.`);
    const { buffer, byteOffset } = payload;
    this.#ticks.push(new DataView(buffer, byteOffset, 4).getUint32(0, true));
    if (this.#ticks.length === 1) this.#draw();
  }

  /** One tick at a time: the next begins when this one's surfaces were presented. */
  #draw(): void {
    const due = this.#callbacks;
    this.#callbacks = new Map();
    if (due.size === 0) this.#setRunning(false);
    const time = performance.now();
    for (const callback of due.values()) {
      try {
        callback(time);
      } catch (error) {
        this.#reportException(error);
      }
    }
    this.#updateHold();
    afterTask(() => this.#endTick());
  }

  #endTick(): void {
    const { stream } = this.#connection;
    if (this.#isPresentScheduled) this.#present();
    writeEndFrame(stream.writer, this.#ticks.shift()!);
    stream.recorded();
    stream.flush();
    if (this.#ticks.length > 0) this.#draw();
  }

  #schedulePresent(): void {
    if (this.#touched.size === 0 || this.#isPresentScheduled) return;
    this.#isPresentScheduled = true;
    afterTask(() => {
      if (this.#isPresentScheduled) this.#present();
    });
  }

  #present(): void {
    this.#isPresentScheduled = false;
    for (const surface of this.#touched) surface.present();
    this.#touched.clear();
    this.#connection.stream.flush();
  }

  #setRunning(isRunning: boolean): void {
    const { stream } = this.#connection;
    this.#isRunning = isRunning;
    writeAnimation(stream.writer, isRunning);
    stream.recorded();
  }

  /** A program with a frame to draw does not exit. */
  #updateHold(): void {
    const isWanted = this.#callbacks.size > 0;
    if (isWanted === this.#isHeld) return;
    this.#isHeld = isWanted;
    if (isWanted) this.#connection.hold();
    else this.#connection.unhold();
  }
}
