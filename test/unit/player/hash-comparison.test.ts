import { expect, test } from "vitest";
import { HashComparison, MAX_UNPAIRED_HASHES } from "#server/player/hash-comparison.ts";

const A = "aa".repeat(32);
const B = "bb".repeat(32);
const picture = (number: number, sha256 = A) =>
  ({ number, surface: 1, width: 4, height: 2, format: "bgra8unorm", sha256 }) as const;
const mapped = (sha256: string) => ({ request: 1, bytes: 8, sha256 });

test("hashes are paired in whatever order they come", () => {
  const comparison = new HashComparison();
  comparison.recordedPicture(picture(1));
  comparison.playedPicture(picture(2));
  comparison.playedPicture(picture(1));
  comparison.recordedPicture(picture(2));
  comparison.recordedMapped({ request: 1, bytes: 8, sha256: B });
  comparison.playedMapped({ request: 1, bytes: 8, sha256: B });
  expect(comparison).toMatchObject({ same: 3, different: 0, missingCount: 0, unrecorded: 0 });
});

test("what differs, what did not come again and what was not recorded are told apart", () => {
  const comparison = new HashComparison();
  comparison.recordedPicture(picture(1));
  comparison.playedPicture(picture(1, B));
  comparison.recordedMapped({ request: 9, bytes: 8, sha256: A });
  comparison.playedPicture(picture(2));
  expect(comparison).toMatchObject({ same: 0, different: 1, missingCount: 1, unrecorded: 1 });
  expect(comparison.sentences).toEqual(["Picture 1 (4 by 2, bgra8unorm) differs."]);
  expect(comparison.missing).toEqual([
    "The buffer that request 9 read (8 bytes) did not come again.",
  ]);
});

test("a program that uses one number for request after request is compared reply by reply", () => {
  const comparison = new HashComparison();
  for (const sha256 of [A, B, A, A]) comparison.recordedMapped(mapped(sha256));
  for (const sha256 of [A, B, B]) comparison.playedMapped(mapped(sha256));
  expect(comparison).toMatchObject({ same: 2, different: 1, missingCount: 1, unrecorded: 0 });
  comparison.playedMapped(mapped(A));
  expect(comparison).toMatchObject({ same: 3, different: 1, missingCount: 0, unrecorded: 0 });
});

test("so many hashes wait for their pair, and no more", { timeout: 60_000 }, () => {
  const comparison = new HashComparison();
  for (let number = 1; number <= MAX_UNPAIRED_HASHES; number++) {
    comparison.recordedPicture(picture(number));
  }
  comparison.playedPicture(picture(1));
  comparison.recordedPicture(picture(1));
  expect(() => comparison.recordedPicture(picture(MAX_UNPAIRED_HASHES + 1))).toThrow(
    "Over 1000000 pictures and buffers are without a pair.",
  );
});
