import { toBytes, toUint64 } from "./webidl.ts";

/**
 * The part of a program's data that a write means: `offset` and `size` count elements of a typed
 * array, bytes otherwise. A view; the caller copies it out before the program runs again.
 */
export function cutBytes(data: unknown, offset: unknown, size: unknown, what: string): Uint8Array {
  const { bytes, unit } = toBytes(data, `${what}: data`);
  const start = toUint64(offset, `${what}: dataOffset`) * unit;
  const given = size === undefined ? undefined : toUint64(size, `${what}: size`) * unit;
  const length = given ?? bytes.length - start;
  if (start > bytes.length || length > bytes.length - start) {
    throw new DOMException(
      `${what}: bytes ${start} to ${start + length} are outside the data (${bytes.length} bytes).`,
      "OperationError",
    );
  }
  if (length % 4 !== 0) {
    throw new DOMException(
      `${what}: the size (${length} bytes) is not a multiple of 4.`,
      "OperationError",
    );
  }
  return bytes.subarray(start, start + length);
}
