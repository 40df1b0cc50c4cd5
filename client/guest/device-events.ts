import { GPUDeviceLostInfo, GPUUncapturedErrorEvent, createError } from "./errors.ts";
import { constructKey } from "./interface.ts";
import { isObject } from "./webidl.ts";

/**
 * Uncaptured errors of one device that are reported in words, when the program handles none. Bounds what a program that
 * fails in each frame writes to its log.
 */
export const MAX_REPORTED_ERRORS = 100;

const EVENT = "uncapturederror";

type Handler = GPUDevice["onuncapturederror"];

/** What happens to a device and its program hears of: its loss, and errors outside of all scopes. */
export class DeviceEvents {
  /** The device's `lost`: one promise for its life. */
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #target: GPUDevice;
  readonly #report: (sentence: string) => void;
  #resolveLost: (info: GPUDeviceLostInfo) => void = () => {};
  #handler: Handler = null;
  #reported = 0;
  readonly #callHandler = (event: Event): void => {
    if (typeof this.#handler !== "function") return; // Any object may be set.
    const result: unknown = this.#handler.call(this.#target, event as GPUUncapturedErrorEvent);
    if (result === false) event.preventDefault();
  };

  constructor(target: GPUDevice, report: (sentence: string) => void) {
    this.#target = target;
    this.#report = report;
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
  }

  /**
   * The event handler attribute `onuncapturederror`: takes its turn where it was last set after null, as
   * https://html.spec.whatwg.org/#event-handlers says.
   */
  get handler(): Handler {
    return this.#handler;
  }

  set handler(value: unknown) {
    const wasActive = this.#handler !== null;
    this.#handler = isObject(value) ? (value as NonNullable<Handler>) : null;
    const isActive = this.#handler !== null;
    if (wasActive && !isActive) this.#target.removeEventListener(EVENT, this.#callHandler);
    if (isActive && !wasActive) this.#target.addEventListener(EVENT, this.#callHandler);
  }

  loseDevice(reason: GPUDeviceLostReason, message: string): void {
    this.#resolveLost(new GPUDeviceLostInfo(constructKey, reason, message));
  }

  /** Without a listener that prevents it, the error is reported as a browser writes it to its console. */
  dispatchError(type: GPUErrorFilter, message: string): void {
    const event = new GPUUncapturedErrorEvent(EVENT, {
      error: createError(type, message),
      cancelable: true,
    });
    const isReported = this.#target.dispatchEvent(event);
    if (!isReported || this.#reported > MAX_REPORTED_ERRORS) return;
    this.#reported++;
    this.#report(
      this.#reported > MAX_REPORTED_ERRORS
        ? `More than ${MAX_REPORTED_ERRORS} uncaptured errors: no more of this device are reported.`
        : `Uncaptured WebGPU error (${type}): ${message}`,
    );
  }
}
