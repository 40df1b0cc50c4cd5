import { ProtocolError } from "#shared/wire/errors.ts";

/**
 * A reason in a control message or a frame, in UTF-16 units: Dawn's sentences quote the guest. Bounds what each sends of
 * it, and keeps to what the gateway takes.
 */
export const MAX_REASON_LENGTH = 1000;

/** Why a program's connection ends, as a sentence. `cause` is what its reading threw. */
export function endReason(cause: unknown): string {
  const sentence =
    cause instanceof ProtocolError
      ? cause.message
      : `The connection to the program is lost: ${String(cause)}`;
  return sentence.slice(0, MAX_REASON_LENGTH);
}
