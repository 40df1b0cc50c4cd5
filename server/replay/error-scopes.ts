import { ProtocolError } from "#shared/wire/errors.ts";

/**
 * Scopes of one device that are open at once. Bounds what a loop of pushErrorScope makes the worker keep. The
 * conformance suite opens 100,004.
 */
export const MAX_ERROR_SCOPES = 131_072;

type ErrorType = "validation" | "out-of-memory" | "internal";

export type ReportedError = { readonly type: ErrorType; readonly message: string };

type Scope = { readonly filter: GPUErrorFilter; error: ReportedError | undefined };

/**
 * A device's error scopes as its program pushes them. Dawn keeps the same stack for the errors that it
 * finds; this one catches the errors that replay itself finds, which Dawn offers no way to add to its own.
 */
export class ErrorScopes {
  readonly #scopes: Scope[] = [];

  push(filter: GPUErrorFilter): void {
    if (this.#scopes.length >= MAX_ERROR_SCOPES) {
      throw new ProtocolError(
        `A device has ${this.#scopes.length} error scopes and opens one more (limit ${MAX_ERROR_SCOPES}).`,
      );
    }
    this.#scopes.push({ filter, error: undefined });
  }

  /** The error of the innermost scope, which is gone. */
  pop(): ReportedError | undefined {
    return this.#scopes.pop()?.error;
  }

  /** Returns false when no scope is open for this type of error. A scope keeps its first. */
  capture(error: ReportedError): boolean {
    const scope = this.#scopes.findLast(({ filter }) => filter === error.type);
    if (scope === undefined) return false;
    scope.error ??= error;
    return true;
  }
}

/** What a GPUError is, by the name of its class: Dawn's classes are the binding's own. */
export function describeError(error: GPUError): ReportedError {
  const { message } = error;
  switch (error.constructor.name) {
    case "GPUOutOfMemoryError":
      return { type: "out-of-memory", message };
    case "GPUInternalError":
      return { type: "internal", message };
    default:
      return { type: "validation", message };
  }
}
