import type { Handle } from "#shared/wire/handles.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { Random } from "../random.ts";

export type Kind = keyof typeof ObjectKind;

/** How often a command names an object that it may not: the stream mostly ends there. */
const WRONG_OBJECTS = 0.002;

class Table {
  readonly live: Handle[] = [];
  readonly stale: Handle[] = [];
  readonly free: number[] = [];
  readonly generations: number[] = [0];
}

/** What a guest has made and released, as it would keep count itself: dense ids, rising generations. */
export class Handles {
  readonly #random: Random;
  readonly #tables = new Map<Kind, Table>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** A handle for a new object; now and then one that is in use, stale or out of range. */
  make(kind: Kind): Handle {
    if (this.#random.chance(WRONG_OBJECTS)) return this.#wrong(kind);
    const table = this.#table(kind);
    const id = table.free.pop() ?? table.generations.length;
    const generation = (table.generations[id] ?? 0) + 1;
    table.generations[id] = generation;
    const handle = { id, generation };
    table.live.push(handle);
    return handle;
  }

  /** A live object of the kind, or where there is none an id that names nothing; now and then a wrong one. */
  any(kind: Kind): Handle {
    const { live } = this.#table(kind);
    if (live.length === 0 || this.#random.chance(WRONG_OBJECTS)) return this.#wrong(kind);
    return this.#random.pick(live);
  }

  has(kind: Kind): boolean {
    return this.#table(kind).live.length > 0;
  }

  /** The newest object of the kind will never be there: nothing names it any more. */
  forgetNewest(kind: Kind): void {
    this.#table(kind).live.pop();
  }

  /** Takes one of more than `keep` objects out of use; undefined where there are fewer. */
  release(kind: Kind, keep: number): Handle | undefined {
    const table = this.#table(kind);
    if (table.live.length <= keep) return undefined;
    const [handle] = table.live.splice(this.#random.below(table.live.length), 1);
    table.free.push(handle!.id);
    table.stale.push(handle!);
    return handle;
  }

  #wrong(kind: Kind): Handle {
    const random = this.#random;
    const { stale, live, generations } = this.#table(kind);
    switch (random.below(5)) {
      case 0:
        return { id: 0, generation: random.below(3) };
      case 1:
        return random.pick(stale.length > 0 ? stale : [{ id: 1, generation: 1 }]);
      case 2:
        return { id: generations.length + random.below(3), generation: 1 };
      case 3:
        return { id: random.next(), generation: random.next() };
      default:
        return random.pick(live.length > 0 ? live : [{ id: 0xffff_ffff, generation: 1 }]);
    }
  }

  #table(kind: Kind): Table {
    let table = this.#tables.get(kind);
    if (table === undefined) this.#tables.set(kind, (table = new Table()));
    return table;
  }
}
