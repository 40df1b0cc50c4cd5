import { expect, test } from "vitest";
import { closeReason } from "#server/ingress/close-reason.ts";

test.for([
  { why: "a short sentence", sentence: "Short." },
  { why: "one that just fits", sentence: "x".repeat(123) },
  { why: "one of two-byte letters that just fits", sentence: "é".repeat(61) },
])("$why stays whole", ({ sentence }) => {
  expect(closeReason(sentence)).toBe(sentence);
});

test.for([
  { why: "one byte too long", sentence: "x".repeat(124) },
  { why: "of two-byte letters", sentence: "é".repeat(80) },
  { why: "of four-byte letters", sentence: "𝄞".repeat(40) },
])("a sentence $why is cut between letters to what fits", ({ sentence }) => {
  const reason = closeReason(sentence);
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  expect(Buffer.byteLength(reason)).toBeGreaterThan(115);
  expect(reason.endsWith("…")).toBe(true);
  expect(sentence.startsWith(reason.slice(0, -1))).toBe(true);
});
