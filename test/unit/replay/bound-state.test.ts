import { describe, expect, test } from "vitest";
import { BoundState } from "#server/replay/bound-state.ts";

const A = { name: "A" };
const B = { name: "B" };

/** Each setter, called twice with the same values, then with one value changed. */
const setters: readonly {
  readonly what: string;
  readonly set: (state: BoundState) => boolean;
  readonly others: readonly ((state: BoundState) => boolean)[];
}[] = [
  {
    what: "a pipeline",
    set: (state) => state.hasPipeline(A),
    others: [(state) => state.hasPipeline(B)],
  },
  {
    what: "a bind group",
    set: (state) => state.hasBindGroup(1, A),
    others: [(state) => state.hasBindGroup(1, B), (state) => state.hasBindGroup(1, null)],
  },
  {
    what: "a vertex buffer",
    set: (state) => state.hasVertexBuffer(0, A, 16, 32),
    others: [
      (state) => state.hasVertexBuffer(0, B, 16, 32),
      (state) => state.hasVertexBuffer(0, A, 20, 32),
      (state) => state.hasVertexBuffer(0, A, 16, 36),
      (state) => state.hasVertexBuffer(0, A, 16, undefined),
      (state) => state.hasVertexBuffer(0, null, 16, 32),
    ],
  },
  {
    what: "an index buffer",
    set: (state) => state.hasIndexBuffer(A, "uint16", 16, 32),
    others: [
      (state) => state.hasIndexBuffer(B, "uint16", 16, 32),
      (state) => state.hasIndexBuffer(A, "uint32", 16, 32),
      (state) => state.hasIndexBuffer(A, "uint16", 20, 32),
      (state) => state.hasIndexBuffer(A, "uint16", 16, undefined),
    ],
  },
];

describe.for(setters)("$what", ({ set, others }) => {
  test("is bound after it was set once", () => {
    const state = new BoundState();
    expect(set(state)).toBe(false);
    expect(set(state)).toBe(true);
  });

  test("is not the same with any value changed, and not after the change", () => {
    for (const other of others) {
      const state = new BoundState();
      set(state);
      expect(other(state)).toBe(false);
      expect(set(state)).toBe(false);
    }
  });

  test("is not bound after bundles were executed", () => {
    const state = new BoundState();
    set(state);
    state.clear();
    expect(set(state)).toBe(false);
    expect(set(state)).toBe(true);
  });

  test("never counts as bound once the encoder is ended", () => {
    const state = new BoundState();
    set(state);
    state.end();
    expect(set(state)).toBe(false);
    expect(set(state)).toBe(false);
  });
});

test("a group set with dynamic offsets is not remembered, and only in its slot", () => {
  const state = new BoundState();
  state.hasBindGroup(0, A);
  state.hasBindGroup(1, A);
  state.forgetBindGroup(0);
  expect(state.hasBindGroup(0, A)).toBe(false);
  expect(state.hasBindGroup(1, A)).toBe(true);
});

test.for([31, 32, 0xffff_ffff])("slot %i costs no memory beyond the remembered ones", (slot) => {
  const state = new BoundState();
  for (const set of [
    () => state.hasBindGroup(slot, A),
    () => state.hasVertexBuffer(slot, A, 0, undefined),
  ]) {
    expect(set()).toBe(false);
    expect(set()).toBe(slot < 32);
  }
});
