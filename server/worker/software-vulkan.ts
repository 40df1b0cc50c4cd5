import { createReadStream } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import tar from "tar-fs";

const require = createRequire(import.meta.url);

/** Environment variables that a child process needs at its start to find the software Vulkan driver. */
export type VulkanEnvironment = {
  readonly LD_LIBRARY_PATH: string;
  readonly VK_DRIVER_FILES: string;
  readonly VK_ICD_FILENAMES: string;
};

/**
 * Unpacks SwiftShader (a software Vulkan 1.3 driver) and the Vulkan loader from the @sparticuz/chromium
 * package into `cacheFolder`, once, and returns the environment under which Dawn finds it.
 *
 * The dynamic linker reads LD_LIBRARY_PATH when a process starts, so this works for children only.
 * Concurrent callers are safe: the folder appears by an atomic rename.
 */
export async function unpackSoftwareVulkan(cacheFolder: string): Promise<VulkanEnvironment> {
  const entry = require.resolve("@sparticuz/chromium");
  const archive = path.join(path.dirname(entry), "..", "bin", "swiftshader.tar.br");
  const { version }: { version: string } = require(
    path.join(path.dirname(entry), "..", "package.json"),
  );
  const folder = path.join(cacheFolder, `swiftshader-${version}`);
  if (!(await exists(path.join(folder, "vk_swiftshader_icd.json")))) {
    await mkdir(cacheFolder, { recursive: true });
    const partial = await mkdtemp(path.join(cacheFolder, "swiftshader-"));
    await pipeline(createReadStream(archive), createBrotliDecompress(), tar.extract(partial));
    await rename(partial, folder).catch(async (cause: unknown) => {
      await rm(partial, { recursive: true, force: true });
      if (!(await exists(folder))) throw cause;
    });
  }
  const icd = path.join(folder, "vk_swiftshader_icd.json");
  return { LD_LIBRARY_PATH: folder, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
