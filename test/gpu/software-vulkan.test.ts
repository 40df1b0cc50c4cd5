import { expect, test } from "vitest";
import { create } from "webgpu";

test("Dawn finds an adapter in the environment of the tests", async () => {
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  expect(adapter?.info.device).toMatch(/./);
});
