import type { Random } from "./random.ts";

/** What lengths, counts and numbers break at, as bytes: none, all, one over, the largest of each size. */
const INTERESTING = [
  "00",
  "ff",
  "7f",
  "80",
  "0000",
  "ffff",
  "00000000",
  "ffffffff",
  "ffffff7f",
  "00001000",
  "01001000",
  "ffffffff0f",
  "ffffffffffffff0f",
  "000000000000f07f",
  "000000000000f8ff",
].map((hex) => Buffer.from(hex, "hex"));

const MOST_INSERTED = 64;

/** The bytes with one to four things changed: bits, numbers, parts cut off, repeated or put in. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) mutated = mutateOnce(random, mutated);
  return mutated;
}

function mutateOnce(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const before = bytes.subarray(0, at);
  switch (random.below(7)) {
    case 0:
      if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.next() & 0xff;
      return bytes;
    case 2: {
      const value = random.pick(INTERESTING);
      return Buffer.concat([before, value, bytes.subarray(at + value.length)]);
    }
    case 3:
      return before;
    case 4:
      return Buffer.concat([before, random.pick(INTERESTING), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([before, bytes.subarray(at + 1 + random.below(8))]);
    default: {
      const inserted = random.chance(0.5)
        ? random.bytes(1 + random.below(MOST_INSERTED))
        : bytes.subarray(at, at + MOST_INSERTED);
      return Buffer.concat([before, inserted, bytes.subarray(at)]);
    }
  }
}

/** The messages with some left out, repeated, put elsewhere or changed. */
export function mutateList(random: Random, messages: readonly Buffer[]): Buffer[] {
  const list = [...messages];
  for (let left = 1 + random.below(3); left > 0 && list.length > 0; left--) {
    const at = random.below(list.length);
    switch (random.below(5)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(random.below(list.length), 0, list[at]!);
        break;
      case 2:
        list.splice(random.below(list.length), 0, ...list.splice(at, 1));
        break;
      default:
        list[at] = mutateBytes(random, list[at]!);
    }
  }
  return list;
}
