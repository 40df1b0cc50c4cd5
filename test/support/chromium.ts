import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import tar from "tar-fs";
import { z } from "zod";

const require = createRequire(import.meta.url);

/** An unpacked headless Chromium and the environment that it needs on a machine without its libraries. */
export type Chromium = {
  readonly executable: string;
  readonly environment: { readonly LD_LIBRARY_PATH: string; readonly FONTCONFIG_FILE: string };
};

/**
 * Unpacks the headless Chromium of the @sparticuz/chromium package into `cacheFolder`, once.
 *
 * The package's own unpacking writes to the system's temporary folder, takes a half-written file of
 * another process for a finished one, and leaves the libraries out unless the machine is a certain cloud's.
 * Here the folder appears by an atomic rename, so concurrent callers are safe.
 */
export async function unpackChromium(cacheFolder: string): Promise<Chromium> {
  const packageFolder = path.join(path.dirname(require.resolve("@sparticuz/chromium")), "..");
  const manifest: unknown = JSON.parse(
    await readFile(path.join(packageFolder, "package.json"), "utf8"),
  );
  const { version } = z.object({ version: z.string() }).parse(manifest);
  const folder = path.join(cacheFolder, `chromium-${version}`);
  if (!(await exists(folder))) {
    await mkdir(cacheFolder, { recursive: true });
    const partial = await mkdtemp(path.join(cacheFolder, "chromium-"));
    const archive = (name: string) => createReadStream(path.join(packageFolder, "bin", name));
    await Promise.all([
      pipeline(
        archive("chromium.br"),
        createBrotliDecompress(),
        createWriteStream(path.join(partial, "chromium"), { mode: 0o755 }),
      ),
      pipeline(archive("al2023.tar.br"), createBrotliDecompress(), tar.extract(partial)),
      pipeline(archive("fonts.tar.br"), createBrotliDecompress(), tar.extract(partial)),
    ]);
    await writeFile(path.join(partial, "fonts.conf"), fontConfiguration(folder));
    await rename(partial, folder).catch(async (cause: unknown) => {
      await rm(partial, { recursive: true, force: true });
      if (!(await exists(folder))) throw cause;
    });
  }
  return {
    executable: path.join(folder, "chromium"),
    environment: {
      LD_LIBRARY_PATH: path.join(folder, "lib"),
      FONTCONFIG_FILE: path.join(folder, "fonts.conf"),
    },
  };
}

/** The package's own file names folders of a cloud's machines only. */
function fontConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
