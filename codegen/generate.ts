import { readFile } from "node:fs/promises";
import path from "node:path";
import { format } from "oxfmt";
import { z } from "zod";
import { buildContext, type GeneratedFile, type Generator } from "./context.ts";
import { generateCommands } from "./generate-commands.ts";
import { generateDictionaries } from "./generate-dictionaries.ts";
import { generateDocument } from "./generate-document.ts";
import { generateNumbers } from "./generate-numbers.ts";
import { generateObjects } from "./generate-objects.ts";
import { generateReplay } from "./generate-replay.ts";
import { generateGuest } from "./guest.ts";
import { EMPTY_LOCK, LOCK } from "./lock.ts";
import { loadModel } from "./model.ts";

export const LOCK_PATH = "shared/wire/numbers.lock.json";

const FORMAT = z.object({ printWidth: z.number() });

/** Every generator, in no order that matters. */
const GENERATORS: readonly Generator[] = [
  generateNumbers,
  generateObjects,
  generateDictionaries,
  generateCommands,
  generateDocument,
  generateGuest,
  generateReplay,
];

/** All generated files, formatted, and the lock file; nothing is written. */
export async function generate(root: string): Promise<readonly GeneratedFile[]> {
  const lock = LOCK.parse((await readJson(path.join(root, LOCK_PATH))) ?? EMPTY_LOCK);
  const { printWidth } = FORMAT.parse(await readJson(path.join(root, ".oxfmtrc.json")));
  const context = buildContext(await loadModel(), lock);
  const files = GENERATORS.flatMap((generator) => generator(context));
  const formatted = await Promise.all(
    files.map(async ({ path: name, text }) => {
      const { code, errors } = await format(path.basename(name), text, { printWidth });
      if (errors.length > 0) throw new Error(`${name} cannot be formatted: ${errors[0]!.message}`);
      return { path: name, text: code };
    }),
  );
  return [...formatted, { path: LOCK_PATH, text: `${JSON.stringify(context.lock, null, 2)}\n` }];
}

/** Undefined where there is no such file. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read.`, { cause });
  }
}
