import { expect, test } from "vitest";
import { closeReason, MAX_REASON_BYTES } from "#server/ingress/close-reason.ts";

test.for([
  { why: "a short sentence", sentence: "Short." },
  { why: "one that just fits", sentence: "x".repeat(MAX_REASON_BYTES) },
  {
    why: "one of two-byte letters that just fits",
    sentence: "é".repeat((MAX_REASON_BYTES - 1) / 2),
  },
])("$why stays whole", ({ sentence }) => {
  expect(closeReason(sentence)).toBe(sentence);
});

test.for([
  { why: "one byte too long", sentence: "x".repeat(MAX_REASON_BYTES + 1) },
  { why: "of two-byte letters", sentence: "é".repeat(80) },
  { why: "of four-byte letters", sentence: "𝄞".repeat(40) },
])("a sentence $why is cut between letters to what fits", ({ sentence }) => {
  const reason = closeReason(sentence);
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(MAX_REASON_BYTES);
  expect(Buffer.byteLength(reason)).toBeGreaterThan(MAX_REASON_BYTES - 8);
  expect(reason.endsWith("…")).toBe(true);
  expect(sentence.startsWith(reason.slice(0, -1))).toBe(true);
});

test("the limit is what a control frame of a WebSocket has room for, less the code", () => {
  expect(MAX_REASON_BYTES).toBe(125 - 2);
});
