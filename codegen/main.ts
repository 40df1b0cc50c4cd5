import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { generate } from "./generate.ts";

const root = path.join(import.meta.dirname, "..");
for (const file of await generate(root)) {
  const target = path.join(root, file.path);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, file.text);
}
