import { ProtocolError } from "#shared/wire/errors.ts";
import { type Handle, NULL_ID } from "#shared/wire/handles.ts";
import { MAX_LIVE_OBJECTS } from "#shared/wire/limits.ts";
import type { ObjectBudget } from "./object-budget.ts";

/**
 * `pending`: a promise command made the handle and its object is not there yet. `failed`: it never
 * will be. Neither can be used; both can be released.
 */
type Slot<T> = {
  generation: number;
  state: "free" | "pending" | "failed" | "live";
  object: T | undefined;
};

/** Maps the ids a guest chose to the objects that Dawn made, for one kind of object. */
export class ObjectTable<T> {
  readonly #kind: string;
  readonly #budget: ObjectBudget;
  readonly #slots: Slot<T>[] = [{ generation: 0, state: "free", object: undefined }]; // NULL_ID

  /** Each handle in use counts in `budget`, which all connections of the session share. */
  constructor(kind: string, budget: ObjectBudget) {
    this.#kind = kind;
    this.#budget = budget;
  }

  /** Takes ownership of `object`; whoever calls release() or drain() gets it back. */
  allocate(handle: Handle, object: T): void {
    const slot = this.#open(handle);
    slot.state = "live";
    slot.object = object;
  }

  /** Takes the id for an object that a promise will bring: see settle(). */
  reserve(handle: Handle): void {
    this.#open(handle).state = "pending";
  }

  /**
   * Ends a reservation. Takes ownership of `object` and returns true, or returns false when the guest
   * has released the handle meanwhile. `undefined` says that there will be no object.
   */
  settle({ id, generation }: Handle, object: T | undefined): boolean {
    const slot = this.#slots[id];
    if (slot?.state !== "pending" || slot.generation !== generation) return false;
    slot.state = object === undefined ? "failed" : "live";
    slot.object = object;
    return true;
  }

  get(id: number): T {
    const object = this.#slots[id]?.object;
    if (object === undefined) throw new ProtocolError(`${this.#kind} id (${id}) names no object.`);
    return object;
  }

  /** Gives up the handle. Returns its object, if it had one yet. */
  release({ id, generation }: Handle): T | undefined {
    const slot = this.#slots[id];
    if (slot === undefined || slot.state === "free") {
      throw new ProtocolError(`${this.#kind} id (${id}) names no object to release.`);
    }
    if (slot.generation !== generation) {
      throw new ProtocolError(
        `${this.#kind} id (${id}) is at generation ${slot.generation}, and ${generation} is released.`,
      );
    }
    const { object } = slot;
    slot.state = "free"; // The generation stays, to reject stale handles.
    slot.object = undefined;
    this.#budget.give(this.#kind);
    return object;
  }

  /** The objects that can be used now. */
  *live(): Generator<T> {
    for (const { object } of this.#slots) if (object !== undefined) yield object;
  }

  /** Empties the table, yielding each object for the caller to destroy. */
  *drain(): Generator<T> {
    for (const slot of this.#slots) {
      const { object } = slot;
      if (slot.state !== "free") this.#budget.give(this.#kind);
      slot.state = "free";
      slot.object = undefined;
      if (object !== undefined) yield object;
    }
  }

  /** Empties the table of objects that need nothing more to be done. */
  clear(): void {
    for (const object of this.drain()) void object;
  }

  #open({ id, generation }: Handle): Slot<T> {
    // Ids are dense: a fresh id is exactly the next slot, so a guest can't make the table sparse.
    if (id === NULL_ID || id > this.#slots.length || id > MAX_LIVE_OBJECTS) {
      const highest = Math.min(this.#slots.length, MAX_LIVE_OBJECTS);
      throw new ProtocolError(`${this.#kind} id (${id}) is outside 1..${highest}.`);
    }
    const slot = this.#slots[id];
    if (slot === undefined) {
      this.#budget.take(this.#kind);
      const fresh: Slot<T> = { generation, state: "free", object: undefined };
      this.#slots.push(fresh);
      return fresh;
    }
    if (slot.state === "live" || slot.state === "pending") {
      throw new ProtocolError(`${this.#kind} id (${id}) is in use.`);
    }
    if (generation <= slot.generation) {
      throw new ProtocolError(
        `${this.#kind} generation (${generation}) is not above the last (${slot.generation}).`,
      );
    }
    if (slot.state === "free") this.#budget.take(this.#kind); // One that failed counts until it is released.
    slot.generation = generation;
    return slot;
  }
}
