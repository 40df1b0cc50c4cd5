import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** The key file can't be used: the message says why and what to do. */
export class SigningKeyError extends Error {
  override name = "SigningKeyError" as const;
}

/** HS256 needs as many bits of key as its hash has (RFC 7518, section 3.2). */
const KEY_BYTES = 32;

const KeyFile = z.object({
  kty: z.literal("oct"),
  alg: z.literal("HS256"),
  kid: z.string().min(1).max(64),
  k: z.base64url().refine((text) => Buffer.from(text, "base64url").length === KEY_BYTES),
});

/** The gateway both signs and checks its tokens, so one symmetric key does. */
export type SigningKey = { readonly id: string; readonly secret: Uint8Array };

/**
 * Reads the signing key of the state folder; the first caller makes it, readable by its owner only.
 * Concurrent first callers get the same key.
 */
export async function openSigningKey(stateFolder: string): Promise<SigningKey> {
  const file = path.join(stateFolder, "signing-key.json");
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  return (await readKey(file)) ?? (await makeKey(file));
}

async function makeKey(file: string): Promise<SigningKey> {
  const id = randomUUID();
  const draft = `${file}.${id}`;
  const handle = await open(draft, "wx", 0o600);
  try {
    const k = randomBytes(KEY_BYTES).toString("base64url");
    await handle.writeFile(JSON.stringify({ kty: "oct", alg: "HS256", kid: id, k }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file); // Fails where another process was first: its key counts.
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(file);
  if (key === undefined)
    throw new SigningKeyError(`${file} vanished while it was made; try again.`);
  return key;
}

async function readKey(file: string): Promise<SigningKey | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
  const { mode } = await stat(file);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new SigningKeyError(
      `${file} is readable by other users (mode ${(mode & 0o777).toString(8)}), who could sign tokens ` +
        `with it: delete it to make a new key (all tokens end), or keep it with "chmod 600 ${file}".`,
    );
  }
  const parsed = KeyFile.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new SigningKeyError(
      `${file} holds no signing key: delete it, and a new one is made (all tokens end).`,
      { cause: parsed.error },
    );
  }
  return { id: parsed.data.kid, secret: Buffer.from(parsed.data.k, "base64url") };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
