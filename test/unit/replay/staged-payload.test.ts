import { expect, test } from "vitest";
import { Ledger } from "#server/replay/memory-ledger.ts";
import { StagedPayload } from "#server/replay/staged-payload.ts";
import { MAX_PAYLOAD_BYTES, PAYLOAD_CHUNK_BYTES } from "#shared/wire/limits.ts";

/** A payload of 4 bytes of which 3 have come. */
function unfinished(): StagedPayload {
  const payload = new StagedPayload(new Ledger(MAX_PAYLOAD_BYTES));
  payload.begin(4);
  payload.chunk(Uint8Array.of(1, 2, 3));
  return payload;
}

test("chunks come out as one", () => {
  const payload = unfinished();
  payload.chunk(Uint8Array.of(4));
  expect([...payload.take(4)]).toEqual([1, 2, 3, 4]);
  // And another can follow.
  payload.begin(0);
  expect(payload.take()).toHaveLength(0);
});

test.for([
  {
    what: "a second payload",
    act: (payload: StagedPayload) => payload.begin(1),
    says: "is staged",
  },
  { what: "a chunk too much", act: (payload) => payload.chunk(new Uint8Array(2)), says: "is over" },
  { what: "to take it early", act: (payload) => payload.take(4), says: "of which 3 have arrived" },
  {
    what: "another length",
    act: (payload) => {
      payload.chunk(new Uint8Array(1));
      payload.take(5);
    },
    says: "and 4 are staged",
  },
  {
    what: "to take it twice",
    act: (payload) => {
      payload.chunk(new Uint8Array(1));
      payload.take(4);
      payload.take(4);
    },
    says: "none is staged",
  },
])("refuses $what with a sentence", ({ act, says }) => {
  expect(() => act(unfinished())).toThrow(says);
});

test.for([MAX_PAYLOAD_BYTES + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
  "refuses a length of %d before it takes memory",
  (total) => {
    expect(() => new StagedPayload(new Ledger(MAX_PAYLOAD_BYTES)).begin(total)).toThrow(
      `outside 0..${MAX_PAYLOAD_BYTES}`,
    );
  },
);

test("accepts a length at the limit", () => {
  const payload = new StagedPayload(new Ledger(MAX_PAYLOAD_BYTES));
  payload.begin(MAX_PAYLOAD_BYTES);
  expect(() => payload.chunk(Uint8Array.of(1))).not.toThrow();
  payload.drop();
  expect(() => payload.take()).toThrow("none is staged");
});

test("takes a chunk at the limit and refuses one over it", () => {
  const payload = new StagedPayload(new Ledger(MAX_PAYLOAD_BYTES));
  payload.begin(2 * PAYLOAD_CHUNK_BYTES);
  payload.chunk(new Uint8Array(PAYLOAD_CHUNK_BYTES));
  expect(() => payload.chunk(new Uint8Array(PAYLOAD_CHUNK_BYTES + 1))).toThrow(
    `A payload chunk (${PAYLOAD_CHUNK_BYTES + 1} bytes) is over the limit (${PAYLOAD_CHUNK_BYTES}).`,
  );
  payload.chunk(new Uint8Array(PAYLOAD_CHUNK_BYTES));
  expect(payload.take()).toHaveLength(2 * PAYLOAD_CHUNK_BYTES);
});

test("a payload is charged from its begin until it is taken or dropped, and refused over the quota", () => {
  const memory = new Ledger(8);
  const payload = new StagedPayload(memory);
  const other = new StagedPayload(memory);
  payload.begin(8);
  expect(memory.used).toBe(8);
  expect(() => other.begin(1)).toThrow("8 of the session's 8 bytes of host memory are in use");
  payload.chunk(new Uint8Array(8));
  payload.take();
  expect(memory.used).toBe(0);
  other.begin(8);
  other.drop();
  other.drop();
  expect(memory.used).toBe(0);
  expect(() => other.begin(9)).toThrow("A payload of 9 bytes");
});
