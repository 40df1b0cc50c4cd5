const GOLDEN = 0x9e37_79b9;

/** Choices that a seed decides: the same seed makes the same choices on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2^32 - 1: a Weyl sequence through murmur3's finalizer. */
  next(): number {
    this.#state = (this.#state + GOLDEN) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }

  /** 0 to `count` - 1. */
  below(count: number): number {
    return this.next() % count;
  }

  /** Of `share` in 1. */
  chance(share: number): boolean {
    return this.next() < share * 2 ** 32;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error("There is nothing to pick from.");
    return item;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.next() >>> 8;
    return bytes;
  }
}

/** The seed of one case of a run, so that a case can be made again without those before it. */
export function caseSeed(seed: number, index: number): number {
  return new Random((Math.imul(seed, 0x85eb_ca6b) + index) >>> 0).next();
}
