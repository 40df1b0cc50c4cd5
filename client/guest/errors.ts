import { GPU_PIPELINE_ERROR_REASON_NUMBERS } from "#shared/wire/gen/enums.ts";
import {
  constructKey,
  type ConstructKey,
  defineInterface,
  requireConstructKey,
} from "./interface.ts";
import { missingMember, requireArguments, toDictionary, toDOMString, toEnum } from "./webidl.ts";

export class GPUError implements globalThis.GPUError {
  readonly #message: string;

  constructor(key: ConstructKey, message: string) {
    requireConstructKey(key);
    this.#message = message;
  }

  get message(): string {
    return this.#message;
  }

  static {
    defineInterface(this);
  }
}

export class GPUValidationError extends GPUError implements globalThis.GPUValidationError {
  declare readonly __brand: "GPUValidationError";

  constructor(message: string) {
    requireArguments(arguments.length, 1, "GPUValidationError");
    super(constructKey, toDOMString(message));
  }

  static {
    defineInterface(this, 1);
  }
}

export class GPUOutOfMemoryError extends GPUError implements globalThis.GPUOutOfMemoryError {
  declare readonly __brand: "GPUOutOfMemoryError";

  constructor(message: string) {
    requireArguments(arguments.length, 1, "GPUOutOfMemoryError");
    super(constructKey, toDOMString(message));
  }

  static {
    defineInterface(this, 1);
  }
}

export class GPUInternalError extends GPUError implements globalThis.GPUInternalError {
  declare readonly __brand: "GPUInternalError";

  constructor(message: string) {
    requireArguments(arguments.length, 1, "GPUInternalError");
    super(constructKey, toDOMString(message));
  }

  static {
    defineInterface(this, 1);
  }
}

const ERRORS = {
  validation: GPUValidationError,
  "out-of-memory": GPUOutOfMemoryError,
  internal: GPUInternalError,
} as const;

export function createError(type: GPUErrorFilter, message: string): GPUError {
  return new ERRORS[type](message);
}

export class GPUPipelineError extends DOMException implements globalThis.GPUPipelineError {
  readonly #reason: GPUPipelineErrorReason;
  declare readonly __brand: "GPUPipelineError";

  constructor(message: string | undefined, options: GPUPipelineErrorInit) {
    requireArguments(arguments.length, 2, "GPUPipelineError");
    const sentence = message === undefined ? "" : toDOMString(message);
    const { reason } = toDictionary(options, "GPUPipelineErrorInit");
    if (reason === undefined) throw missingMember("GPUPipelineErrorInit.reason");
    const typedReason = toEnum(
      reason,
      GPU_PIPELINE_ERROR_REASON_NUMBERS,
      "GPUPipelineErrorInit.reason",
    );
    super(sentence, "GPUPipelineError");
    this.#reason = typedReason;
  }

  get reason(): GPUPipelineErrorReason {
    return this.#reason;
  }

  static {
    defineInterface(this, 2);
  }
}

export class GPUUncapturedErrorEvent extends Event implements globalThis.GPUUncapturedErrorEvent {
  readonly #error: GPUError;
  declare readonly __brand: "GPUUncapturedErrorEvent";

  constructor(type: string, init: GPUUncapturedErrorEventInit) {
    requireArguments(arguments.length, 2, "GPUUncapturedErrorEvent");
    const { error } = toDictionary(init, "GPUUncapturedErrorEventInit");
    super(type, init);
    if (error === undefined) throw missingMember("GPUUncapturedErrorEventInit.error");
    if (!(error instanceof GPUError)) {
      throw new TypeError("GPUUncapturedErrorEventInit.error is not a GPUError.");
    }
    this.#error = error;
  }

  get error(): GPUError {
    return this.#error;
  }

  static {
    defineInterface(this, 2);
  }
}

export class GPUDeviceLostInfo implements globalThis.GPUDeviceLostInfo {
  readonly #reason: GPUDeviceLostReason;
  readonly #message: string;
  declare readonly __brand: "GPUDeviceLostInfo";

  constructor(key: ConstructKey, reason: GPUDeviceLostReason, message: string) {
    requireConstructKey(key);
    this.#reason = reason;
    this.#message = message;
  }

  get reason(): GPUDeviceLostReason {
    return this.#reason;
  }

  get message(): string {
    return this.#message;
  }

  static {
    defineInterface(this);
  }
}
