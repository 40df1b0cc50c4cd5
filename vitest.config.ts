import { homedir } from "node:os";
import path from "node:path";
import { defineConfig } from "vitest/config";
import { unpackSoftwareVulkan } from "#server/worker/software-vulkan.ts";

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
          test: { name: "gpu", include: ["test/gpu/**/*.test.ts"], fileParallelism: false },
        },
        {
          extends: true,
          test: {
            name: "e2e",
            include: ["test/e2e/**/*.test.ts"],
            fileParallelism: false,
            testTimeout: 60_000,
            hookTimeout: 60_000,
          },
        },
        {
          extends: true,
          test: {
            name: "fuzz",
            include: ["test/fuzz/**/*.test.ts"],
            fileParallelism: false,
            testTimeout: 60_000,
          },
        },
      ],
    },
  };
});
