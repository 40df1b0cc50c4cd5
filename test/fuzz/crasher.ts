import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Finding } from "./target.ts";

// A message list that once failed, kept for ever: test/fuzz/crashers.test.ts replays each.

const CRASHERS = path.join(import.meta.dirname, "../vectors/crashers");

const Crasher = z.strictObject({
  target: z.string(),
  /** What came of it before it was mended. */
  fault: z.string(),
  seed: z.number().int(),
  /** Hex, one a message. */
  messages: z.array(z.string().regex(/^(?:[\da-f]{2})*$/)),
});
export type Crasher = z.infer<typeof Crasher>;

/** Returns the file's path. */
export async function keepCrasher({ target, seed, fault, messages }: Finding): Promise<string> {
  await mkdir(CRASHERS, { recursive: true });
  const file = path.join(CRASHERS, `${target}-${seed}.json`);
  const crasher: Crasher = {
    target,
    fault,
    seed,
    messages: messages.map((bytes) => bytes.toString("hex")),
  };
  await writeFile(file, `${JSON.stringify(crasher, undefined, 2)}\n`);
  return file;
}

export async function readCrashers(): Promise<
  { readonly name: string; readonly crasher: Crasher }[]
> {
  const names = (await readdir(CRASHERS)).filter((name) => name.endsWith(".json")).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(path.join(CRASHERS, name), "utf8");
      return { name, crasher: Crasher.parse(JSON.parse(text)) };
    }),
  );
}
