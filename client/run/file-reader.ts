import { EventTarget } from "happy-dom";
import { defineHandlers } from "./event-handlers.ts";
import { fireProgress } from "./fire-progress.ts";

type Result = string | ArrayBuffer;

/** The page's FileReader, which takes Node's blobs: https://w3c.github.io/FileAPI/#filereader-interface. */
export class FileReader extends EventTarget {
  static readonly EMPTY = 0;
  static readonly LOADING = 1;
  static readonly DONE = 2;
  readonly EMPTY = 0;
  readonly LOADING = 1;
  readonly DONE = 2;
  readyState: 0 | 1 | 2 = FileReader.EMPTY;
  result: Result | null = null;
  error: DOMException | null = null;
  /** The reading that is under way; another one or abort() puts an end to it. */
  #reading: object | undefined;

  static {
    defineHandlers(this.prototype, ["loadstart", "progress", "load", "abort", "error", "loadend"]);
  }

  readAsArrayBuffer(blob: Blob): void {
    this.#read(blob, (bytes) => bytes);
  }

  readAsText(blob: Blob, encoding = "utf-8"): void {
    this.#read(blob, (bytes) => new TextDecoder(encoding).decode(bytes));
  }

  readAsDataURL(blob: Blob): void {
    const type = blob instanceof Blob && blob.type !== "" ? blob.type : "application/octet-stream";
    this.#read(blob, (bytes) => `data:${type};base64,${Buffer.from(bytes).toString("base64")}`);
  }

  readAsBinaryString(blob: Blob): void {
    this.#read(blob, (bytes) => Buffer.from(bytes).toString("latin1"));
  }

  abort(): void {
    this.result = null;
    if (this.#reading === undefined) return;
    this.#reading = undefined;
    this.readyState = FileReader.DONE;
    fireProgress(this, "abort");
    fireProgress(this, "loadend");
  }

  #read(blob: unknown, convert: (bytes: ArrayBuffer) => Result): void {
    if (!(blob instanceof Blob)) throw new TypeError("A FileReader reads a Blob or File.");
    if (this.readyState === FileReader.LOADING) {
      throw new DOMException("The FileReader is reading already.", "InvalidStateError");
    }
    this.readyState = FileReader.LOADING;
    this.result = null;
    this.error = null;
    const reading = {};
    this.#reading = reading;
    void this.#finish(reading, blob, convert);
  }

  async #finish(
    reading: object,
    blob: Blob,
    convert: (bytes: ArrayBuffer) => Result,
  ): Promise<void> {
    const isCurrent = (): boolean => this.#reading === reading;
    let outcome: "load" | "error" = "load";
    try {
      const bytes = await blob.arrayBuffer();
      if (!isCurrent()) return;
      fireProgress(this, "loadstart");
      if (!isCurrent()) return;
      this.result = convert(bytes);
    } catch (cause) {
      if (!isCurrent()) return;
      outcome = "error";
      this.error = new DOMException("The blob cannot be read.", {
        name: "NotReadableError",
        cause,
      });
    }
    this.#reading = undefined;
    this.readyState = FileReader.DONE;
    fireProgress(this, outcome, blob.size);
    // A listener may have begun another reading.
    if (this.#reading === undefined) fireProgress(this, "loadend", blob.size);
  }
}
