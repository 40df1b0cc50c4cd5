import { toBytes, toUint64 } from "./webidl.ts";

/**
 * The part of a program's data that queue.writeBuffer means: `offset` and `size` count elements of a
 * typed array, bytes otherwise. A view; the caller copies it out before the program runs again.
 * Throws an OperationError.
 */
export function cutBytes(data: unknown, offset: unknown, size: unknown, what: string): Uint8Array {
  return cut(data, offset, size, what, (sentence) => new DOMException(sentence, "OperationError"));
}

/** The same for setImmediates, which throws a RangeError. */
export function cutImmediates(
  data: unknown,
  offset: unknown,
  size: unknown,
  what: string,
): Uint8Array {
  return cut(data, offset, size, what, (sentence) => new RangeError(sentence));
}

function cut(
  data: unknown,
  offset: unknown,
  size: unknown,
  what: string,
  error: (sentence: string) => Error,
): Uint8Array {
  const { bytes, unit } = toBytes(data, `${what}: data`);
  const start = toUint64(offset, `${what}: dataOffset`) * unit;
  const given = size === undefined ? undefined : toUint64(size, `${what}: size`) * unit;
  const length = given ?? bytes.length - start;
  if (start > bytes.length || length > bytes.length - start) {
    throw error(
      `${what}: bytes ${start} to ${start + length} are outside the data (${bytes.length} bytes).`,
    );
  }
  if (length % 4 !== 0) throw error(`${what}: the size (${length} bytes) is not a multiple of 4.`);
  return bytes.subarray(start, start + length);
}
