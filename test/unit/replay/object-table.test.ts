import { describe, expect, test } from "vitest";
import { MAX_SESSION_OBJECTS, ObjectBudget } from "#server/replay/object-budget.ts";
import { ObjectTable } from "#server/replay/object-table.ts";
import { ProtocolError } from "#shared/wire/errors.ts";
import { MAX_LIVE_OBJECTS } from "#shared/wire/limits.ts";

/** A table whose id 1 is live, at generation 5. */
function tableWithBuffer(budget = new ObjectBudget(MAX_LIVE_OBJECTS)): ObjectTable<string> {
  const table = new ObjectTable<string>("buffer", budget);
  table.allocate({ id: 1, generation: 5 }, "A");
  return table;
}

test("what is live is neither pending, failed nor released", () => {
  const table = tableWithBuffer();
  table.reserve({ id: 2, generation: 0 });
  table.allocate({ id: 3, generation: 0 }, "C");
  table.reserve({ id: 4, generation: 0 });
  table.settle({ id: 4, generation: 0 }, undefined);
  expect([...table.live()]).toEqual(["A", "C"]);
  table.release({ id: 1, generation: 5 });
  table.settle({ id: 2, generation: 0 }, "B");
  expect([...table.live()]).toEqual(["B", "C"]);
});

describe("allocate", () => {
  test("accepts the next free id", () => {
    const table = tableWithBuffer();
    table.allocate({ id: 2, generation: 0 }, "B");
    expect(table.get(2)).toBe("B");
  });

  test.for([
    { why: "the null id", handle: { id: 0, generation: 6 } },
    { why: "an id in use", handle: { id: 1, generation: 6 } },
    { why: "one past the next free id", handle: { id: 3, generation: 6 } },
  ])("rejects $why", ({ handle }) => {
    expect(() => tableWithBuffer().allocate(handle, "B")).toThrow(ProtocolError);
  });

  test("accepts a released id at a higher generation, and not at the last one", () => {
    const table = tableWithBuffer();
    expect(table.release({ id: 1, generation: 5 })).toBe("A");
    expect(() => table.allocate({ id: 1, generation: 5 }, "B")).toThrow(ProtocolError);
    table.allocate({ id: 1, generation: 6 }, "B");
    expect(table.get(1)).toBe("B");
  });

  test("accepts as many objects as the limit says, and not one more", () => {
    const budget = new ObjectBudget(MAX_LIVE_OBJECTS);
    const table = new ObjectTable<number>("buffer", budget);
    for (let id = 1; id <= MAX_LIVE_OBJECTS; id++) table.allocate({ id, generation: id }, id);
    expect(table.get(MAX_LIVE_OBJECTS)).toBe(MAX_LIVE_OBJECTS);
    const over = { id: MAX_LIVE_OBJECTS + 1, generation: MAX_LIVE_OBJECTS + 1 };
    expect(() => table.allocate(over, 0)).toThrow(`outside 1..${MAX_LIVE_OBJECTS}.`);
  });
});

describe("release", () => {
  test.for([
    { why: "the null id", handle: { id: 0, generation: 0 } },
    { why: "an id that was never made", handle: { id: 2, generation: 5 } },
    { why: "an older generation", handle: { id: 1, generation: 4 } },
    { why: "a later generation", handle: { id: 1, generation: 6 } },
  ])("rejects $why", ({ handle }) => {
    expect(() => tableWithBuffer().release(handle)).toThrow(ProtocolError);
  });

  test("rejects the second release of a handle", () => {
    const table = tableWithBuffer();
    table.release({ id: 1, generation: 5 });
    expect(() => table.release({ id: 1, generation: 5 })).toThrow("names no object to release");
    expect(() => table.get(1)).toThrow(ProtocolError);
  });
});

describe("a reserved handle", () => {
  const handle = { id: 2, generation: 6 };
  function tableWithPromise(): ObjectTable<string> {
    const table = tableWithBuffer();
    table.reserve(handle);
    return table;
  }

  test("names no object and is in use until it is settled", () => {
    const table = tableWithPromise();
    expect(() => table.get(2)).toThrow(ProtocolError);
    expect(() => table.allocate({ id: 2, generation: 7 }, "C")).toThrow("is in use");
    expect(table.settle(handle, "B")).toBe(true);
    expect(table.get(2)).toBe("B");
  });

  test("gives the object back when it was released first", () => {
    const table = tableWithPromise();
    expect(table.release(handle)).toBeUndefined();
    expect(table.settle(handle, "B")).toBe(false);
  });

  test("gives the object back when its id has gone to another", () => {
    const table = tableWithPromise();
    table.release(handle);
    table.reserve({ id: 2, generation: 7 });
    expect(table.settle(handle, "B")).toBe(false);
    expect(table.settle({ id: 2, generation: 7 }, "C")).toBe(true);
    expect(table.get(2)).toBe("C");
  });

  test.for(["release first", "allocate at once"])("that fails can be reused: %s", (way) => {
    const table = tableWithPromise();
    table.settle(handle, undefined);
    expect(() => table.get(2)).toThrow(ProtocolError);
    if (way === "release first") table.release(handle);
    table.allocate({ id: 2, generation: 7 }, "C");
    expect(table.get(2)).toBe("C");
  });
});

test("drain yields every live object once and leaves none", () => {
  const table = tableWithBuffer();
  table.allocate({ id: 2, generation: 0 }, "B");
  table.release({ id: 2, generation: 0 });
  expect([...table.drain()]).toEqual(["A"]);
  expect([...table.drain()]).toEqual([]);
});

describe("the session's budget", () => {
  test("counts each handle in use, whatever became of it, until it is released", () => {
    const budget = new ObjectBudget(10);
    const table = tableWithBuffer(budget);
    table.reserve({ id: 2, generation: 6 });
    table.reserve({ id: 3, generation: 7 });
    table.settle({ id: 3, generation: 7 }, undefined);
    expect(budget.all.used).toBe(3);
    table.release({ id: 2, generation: 6 });
    expect(budget.all.used).toBe(2);
    table.allocate({ id: 3, generation: 8 }, "in the place of the one that failed");
    expect(budget.all.used).toBe(2);
    table.clear();
    expect(budget.all.used).toBe(0);
  });

  test("is shared by tables, and refuses one more than it holds", () => {
    const budget = new ObjectBudget(2);
    const table = tableWithBuffer(budget);
    tableWithBuffer(budget);
    expect(() => table.allocate({ id: 2, generation: 6 }, "B")).toThrow(
      "The session has 2 objects and makes one more (limit 2).",
    );
    table.release({ id: 1, generation: 5 });
    table.allocate({ id: 1, generation: 6 }, "B");
  });

  test.for(Object.entries(MAX_SESSION_OBJECTS))("holds %s objects to %i", ([kind, limit]) => {
    const budget = new ObjectBudget(MAX_LIVE_OBJECTS);
    for (let count = 0; count < limit; count++) budget.take(kind);
    expect(() => budget.take(kind)).toThrow(
      `of the kind ${kind} and makes one more (limit ${limit})`,
    );
    expect(budget.all.used).toBe(limit);
    budget.give(kind);
    budget.take(kind);
    budget.take("GPUBuffer");
  });
});
