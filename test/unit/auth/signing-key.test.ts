import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSigningKey, SigningKeyError } from "#server/auth/signing-key.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-key-"));
  file = path.join(folder, "signing-key.json");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test("the first start makes a key that only its owner reads, and the next one reads it", async () => {
  const made = await openSigningKey(folder);
  expect(made.secret).toHaveLength(32);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await openSigningKey(folder)).toEqual(made);
});

test("many first starts at once agree on one key, and leave no draft", async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => openSigningKey(folder)));
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
  expect(await readdir(folder)).toEqual(["signing-key.json"]);
});

test("a key that others could read is refused with what to do", async () => {
  await openSigningKey(folder);
  await chmod(file, 0o640);
  await expect(openSigningKey(folder)).rejects.toThrow(
    /readable by other users \(mode 640\).*chmod 600/,
  );
  await chmod(file, 0o600);
  expect(await openSigningKey(folder)).toBeDefined();
});

test.for([
  { why: "is no JSON", text: "key" },
  { why: "is something else", text: "{}" },
  {
    why: "has a key one byte short",
    text: JSON.stringify({
      kty: "oct",
      alg: "HS256",
      kid: "1",
      k: Buffer.alloc(31).toString("base64url"),
    }),
  },
])("a file that $why is refused, and not replaced", async ({ text }) => {
  await writeFile(file, text, { mode: 0o600 });
  await expect(openSigningKey(folder)).rejects.toThrow(SigningKeyError);
  await expect(openSigningKey(folder)).rejects.toThrow(/holds no signing key: delete it/);
});
