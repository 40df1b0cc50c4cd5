import type { Handle } from "#shared/wire/handles.ts";
import { MAX_LIVE_OBJECTS } from "#shared/wire/limits.ts";

/** Gives out the ids of one kind of object: dense, and at a higher generation each time. */
export class HandleTable {
  readonly #kindName: string;
  readonly #generations: number[] = [0]; // NULL_ID is never given out.
  readonly #free: number[] = [];

  constructor(kindName: string) {
    this.#kindName = kindName;
  }

  get liveCount(): number {
    return this.#generations.length - 1 - this.#free.length;
  }

  allocate(): Handle {
    let id = this.#free.pop();
    if (id === undefined) {
      id = this.#generations.length;
      if (id > MAX_LIVE_OBJECTS) {
        throw new RangeError(
          `${MAX_LIVE_OBJECTS} objects of kind ${this.#kindName} are alive: no more can be made.`,
        );
      }
      this.#generations.push(0);
    }
    const generation = this.#generations[id]! + 1;
    this.#generations[id] = generation;
    return { id, generation };
  }

  /** The release of the handle stands in the stream before any command that takes the id again. */
  free(handle: Handle): void {
    this.#free.push(handle.id);
  }
}
