import { homedir } from "node:os";
import path from "node:path";
import { defineConfig } from "vitest/config";
import { unpackSoftwareVulkan } from "#server/worker/software-vulkan.ts";

/** What looks at frames as they come: one file at a time, with the machine to itself. The others wait for events. */
const WATCHING = [
  "bitrate-bound",
  "breaks",
  "broken-links",
  "hostile-guests",
  "media/hostile-viewer",
  "media/media",
  "operator",
  "picture",
  "run-demo",
  "run-samples",
  "sharing",
  "viewer",
].map((name) => `test/e2e/${name}.test.ts`);

/** Of tests that start processes. */
const PROCESSES = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig(async () => {
  // Test processes inherit this: the dynamic linker reads it when a process starts.
  Object.assign(
    process.env,
    await unpackSoftwareVulkan(path.join(homedir(), ".cache", "heliograph")),
  );
  return {
    test: {
      pool: "forks",
      reporters: ["default", ["json", { outputFile: "dist/test-results.json" }]],
      projects: [
        {
          extends: true,
          // Many files at once on a machine that others share.
          test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 30_000 },
        },
        {
          extends: true,
          test: {
            name: "gpu",
            include: ["test/gpu/**/*.test.ts"],
            maxWorkers: 2,
            sequence: { groupOrder: 1 },
          },
        },
        {
          extends: true,
          test: {
            name: "e2e",
            include: ["test/e2e/**/*.test.ts"],
            exclude: WATCHING,
            ...PROCESSES,
            maxWorkers: 2,
            sequence: { groupOrder: 1 },
          },
        },
        {
          extends: true,
          test: {
            name: "watching",
            include: WATCHING,
            ...PROCESSES,
            fileParallelism: false,
            sequence: { groupOrder: 2 },
          },
        },
        {
          extends: true,
          test: {
            name: "fuzz",
            include: ["test/fuzz/**/*.test.ts"],
            testTimeout: 60_000,
            maxWorkers: 2,
            sequence: { groupOrder: 1 },
          },
        },
      ],
    },
  };
});
