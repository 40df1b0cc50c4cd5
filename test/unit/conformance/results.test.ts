import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { ResultFolder } from "#test/conformance/results.ts";

test("A folder keeps the last result of a case, all of its further runs, and a query's cases.", async () => {
  await using parent = await mkdtempDisposable(path.join(tmpdir(), "heliograph-test-"));
  const where = path.join(parent.path, "results");
  const before = new ResultFolder(where);
  expect(before.readCases("webgpu:a:*")).toBeUndefined();
  before.keepCases("webgpu:a:*", ["webgpu:a:b:", 'webgpu:a:c:x="1"']);
  before.add("guest", { name: "webgpu:a:b:", status: "fail", milliseconds: 1, log: "no" });
  before.add("guest", { name: "webgpu:a:b:", status: "pass", milliseconds: 2 });
  before.addAgain("guest", { name: "webgpu:a:b:", status: "pass", milliseconds: 3 });
  before.addAgain("guest", { name: "webgpu:a:b:", status: "hung", milliseconds: -1 });

  const after = new ResultFolder(where);
  expect(after.readCases("webgpu:a:*")).toEqual(["webgpu:a:b:", 'webgpu:a:c:x="1"']);
  expect(after.readCases("webgpu:b:*")).toBeUndefined();
  expect([...after.read("guest").values()]).toEqual([
    { name: "webgpu:a:b:", status: "pass", milliseconds: 2 },
  ]);
  expect(after.read("direct").size).toBe(0);
  expect(after.readAgain("guest").get("webgpu:a:b:")).toHaveLength(2);
});

test("A folder of results takes none that are measured otherwise.", async () => {
  await using parent = await mkdtempDisposable(path.join(tmpdir(), "heliograph-test-"));
  const folder = (): ResultFolder => new ResultFolder(parent.path);
  folder().requireSame({ compat: false, delay: 0 });
  expect(() => folder().requireSame({ compat: false, delay: 0 })).not.toThrow();
  expect(() => folder().requireSame({ compat: true, delay: 0 })).toThrow(
    'are measured with {"compat":false,"delay":0}, not {"compat":true,"delay":0}: name another folder (--results).',
  );
});
