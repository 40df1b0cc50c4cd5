import { expect, test } from "vitest";
import { findMemoryCap } from "#server/confine/memory-cap.ts";

const GIB = 1024 ** 3;

const reading = (files: Readonly<Record<string, string>>) => async (file: string) => {
  const text = files[file];
  if (text === undefined) throw new Error(`There is no ${file}.`);
  return Promise.resolve(text);
};

test.for<{ what: string; files: Record<string, string>; bytes: number }>([
  {
    what: "its own control group",
    files: {
      "/proc/self/cgroup": "0::/system.slice/heliograph.service\n",
      "/sys/fs/cgroup/system.slice/heliograph.service/memory.max": `${16 * GIB}\n`,
      "/sys/fs/cgroup/system.slice/memory.max": "max\n",
    },
    bytes: 16 * GIB,
  },
  {
    what: "a group around it that has less",
    files: {
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/a/b/memory.max": `${16 * GIB}\n`,
      "/sys/fs/cgroup/a/memory.max": `${4 * GIB}\n`,
    },
    bytes: 4 * GIB,
  },
])("memory is bounded by $what", async ({ files, bytes }) => {
  const cap = await findMemoryCap(undefined, reading(files));
  expect(cap.bytes).toBe(bytes);
  expect(cap.sentence).toContain(`to ${(bytes / GIB).toFixed(1)} GiB`);
  expect(cap.nextStep).toBeUndefined();
});

test.for<{ what: string; files: Record<string, string> }>([
  { what: "a system without control groups", files: {} },
  {
    what: "groups of version 1 alone",
    files: { "/proc/self/cgroup": "4:memory:/gateway\n0::/\n" },
  },
  {
    what: "a group without a bound",
    files: { "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n" },
  },
])("memory is not bounded in $what, and what to do is said", async ({ files }) => {
  const cap = await findMemoryCap(undefined, reading(files));
  expect(cap).toEqual({
    hasWorkerGroups: false,
    sentence: expect.stringContaining("No control group bounds the memory"),
    nextStep: expect.stringContaining("MemoryMax="),
  });
});
