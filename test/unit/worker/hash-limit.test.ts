import { expect, test } from "vitest";
import { limitHashes, MAX_HASHES_PER_SECOND } from "#server/worker/hash-limit.ts";
import type { FromWorker } from "#server/worker/messages.ts";

const sha256 = "ab".repeat(32);
const hash: FromWorker = {
  type: "mappedHash",
  connection: 1,
  hash: { request: 1, bytes: 4, sha256 },
};
const animation: FromWorker = { type: "animation", connection: 1, running: true };

test("a second holds the limit of hashes, and one more is left out; nothing else is", () => {
  let now = 0;
  const sent: FromWorker[] = [];
  const report = limitHashes(
    (message) => void sent.push(message),
    () => now,
  );
  for (let at = 0; at < MAX_HASHES_PER_SECOND; at++) report(hash);
  expect(sent).toHaveLength(MAX_HASHES_PER_SECOND);
  report(hash);
  expect(sent).toHaveLength(MAX_HASHES_PER_SECOND);
  report(animation);
  expect(sent.at(-1)).toEqual(animation);
  now = 1_000;
  report(hash);
  expect(sent.at(-1)).toEqual(hash);
});
