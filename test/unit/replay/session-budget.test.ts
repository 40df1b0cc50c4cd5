import { expect, test } from "vitest";
import { fitLimits } from "#server/replay/adapter-description.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { SessionBudget } from "#server/replay/session-budget.ts";

const MIB = 1024 * 1024;

test("new bounds count at once, for what is held as for rates", () => {
  let now = 0;
  const budget = new SessionBudget({ ...DEFAULT_BOUNDS, errorsPerSecond: 2 }, () => now);
  expect([1, 2, 3].map(() => budget.mayTellError())).toEqual([true, true, false]);
  budget.bounds = {
    ...DEFAULT_BOUNDS,
    gpuMemoryMb: 1,
    mappedMemoryMb: 2,
    objects: 3,
    compilesPerSecond: 4,
    uploadMbPerSecond: 5,
    readbackMbPerSecond: 6,
    errorsPerSecond: 1,
  };
  expect(budget.gpuMemory.quota).toBe(MIB);
  expect(budget.hostMemory.quota).toBe(2 * MIB);
  expect(budget.objects.all.quota).toBe(3);
  expect(budget.compiles.rate).toBe(4);
  expect(budget.uploads.rate).toBe(5 * MIB);
  expect(budget.readbacks.rate).toBe(6 * MIB);
  expect([1, 2].map(() => budget.mayTellError())).toEqual([true, false]);
  now = 1000;
  expect([1, 2].map(() => budget.mayTellError())).toEqual([true, false]);
});

const adapter = {
  maxBufferSize: 4096 * MIB,
  maxStorageBufferBindingSize: 2048 * MIB,
  maxTextureDimension2D: 32_768,
  maxTextureDimension3D: 16_384,
  maxBindGroups: 4,
};

test.for([
  {
    gpuMemoryMb: 1024,
    shown: { buffer: 1024 * MIB, binding: 1024 * MIB, side2D: 16_384, side3D: 2048 },
  },
  {
    gpuMemoryMb: 1023,
    shown: { buffer: 1023 * MIB, binding: 1023 * MIB, side2D: 8192, side3D: 2048 },
  },
  // What WebGPU guarantees of every adapter is shown, though the memory for it is not there.
  { gpuMemoryMb: 16, shown: { buffer: 256 * MIB, binding: 128 * MIB, side2D: 8192, side3D: 2048 } },
  // The adapter's own limits are not exceeded.
  {
    gpuMemoryMb: 1_048_576,
    shown: { buffer: 4096 * MIB, binding: 2048 * MIB, side2D: 32_768, side3D: 4096 },
  },
])("with $gpuMemoryMb MiB the adapter shows limits that fit", ({ gpuMemoryMb, shown }) => {
  expect(fitLimits(adapter, { ...DEFAULT_BOUNDS, gpuMemoryMb })).toEqual({
    maxBufferSize: shown.buffer,
    maxStorageBufferBindingSize: shown.binding,
    maxTextureDimension2D: shown.side2D,
    maxTextureDimension3D: shown.side3D,
    maxBindGroups: 4,
  });
});

test("who waits for the pipeline that has compiled the longest waits for no other", async () => {
  const budget = new SessionBudget(DEFAULT_BOUNDS);
  await budget.oldestCompiled(); // There is none.
  const pipelines = [1, 2, 3].map(() => Promise.withResolvers<string>());
  const made = pipelines.map(({ promise }) => budget.compiling(promise));
  const done: string[] = [];
  const waiting = budget.oldestCompiled().finally(() => done.push("the oldest"));
  pipelines[1]!.resolve("second");
  expect(await made[1]).toBe("second");
  expect(done).toEqual([]);
  pipelines[0]!.reject(new Error("The first is invalid."));
  await expect(made[0]).rejects.toThrow("The first is invalid.");
  await waiting;
  pipelines[2]!.resolve("third");
  await budget.oldestCompiled();
});
