import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findConfinement } from "#server/confine/confinement.ts";
import { confinementWithGpu } from "#server/session/gpu-confinement.ts";
import { type Gpu, probeGpu } from "#server/session/gpu-probe.ts";

const found = await findConfinement("auto", process.env["PATH"] ?? "");
const isConfined = found.kind === "bubblewrap";

let folder: string;
let gpu: Gpu;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-driver-"));
  const cacheFolder = path.join(homedir(), ".cache", "heliograph");
  const probe = await probeGpu({ wanted: "software", cacheFolder });
  if (probe.gpu === undefined) throw new Error(probe.attempts.join(" "));
  gpu = probe.gpu;
});
afterEach(() => rm(folder, { recursive: true }));

test("a worker that is not confined finds what there is: nothing is tried", async () => {
  const off = await findConfinement("off", "");
  expect(await confinementWithGpu(off, "off", gpu)).toBe(off);
});

test.skipIf(!isConfined)("a confined worker finds the software GPU", async () => {
  expect(await confinementWithGpu(found, "auto", gpu)).toBe(found);
});

test.skipIf(!isConfined)("a driver whose files are elsewhere costs the confinement", async () => {
  // The description is where the environment says; the library that it names is not.
  const { LD_LIBRARY_PATH: libraries = "" } = gpu.environment;
  const hidden = path.join(folder, "elsewhere", "libvk_swiftshader.so");
  await cp(path.join(libraries, "libvk_swiftshader.so"), hidden);
  const description = path.join(folder, "driver.json");
  const ICD = { library_path: hidden, api_version: "1.3.0" };
  await writeFile(description, JSON.stringify({ file_format_version: "1.0.0", ICD }));
  const environment = { ...gpu.environment, VK_DRIVER_FILES: description };
  const elsewhere: Gpu = { ...gpu, environment };

  const kept = await confinementWithGpu(found, "auto", elsewhere);
  expect(kept).toMatchObject({ kind: "unconfined", forbidsWorkers: false });
  expect(kept.sentence).toMatch(/bubblewrap hides SwiftShader.* from them \(Confined: /);
  expect(kept.nextStep).toMatch(/LD_LIBRARY_PATH/);
  const strict = await confinementWithGpu(found, "require", elsewhere);
  expect(strict.forbidsWorkers).toBe(true);

  // What the environment names is seen.
  const named = { ...environment, LD_LIBRARY_PATH: `${libraries}:${path.dirname(hidden)}` };
  expect(await confinementWithGpu(found, "auto", { ...gpu, environment: named })).toBe(found);
});
