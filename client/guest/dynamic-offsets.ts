import { toSequence, toUint32 } from "./webidl.ts";

export const NO_OFFSETS: readonly number[] = [];

export function toOffsets(value: unknown): number[] {
  return toSequence(value, toOffset, "dynamicOffsets");
}

function toOffset(value: unknown): number {
  return toUint32(value, "dynamicOffsets");
}

export function requireOffsetsWithin(
  offsets: ArrayLike<number>,
  start: number,
  length: number,
): void {
  if (start > offsets.length || length > offsets.length - start) {
    throw new RangeError(
      `Dynamic offsets ${start} to ${start + length} are outside the array of ${offsets.length}.`,
    );
  }
}
