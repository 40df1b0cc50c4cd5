import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** The key file can't be used: the message says why and what to do. */
export class SigningKeyError extends Error {
  override name = "SigningKeyError" as const;
}

/** HS256 needs as many bits of key as its hash has (RFC 7518, section 3.2). */
const KEY_BYTES = 32;
/** Keys kept at once. Bounds the file, and what an admin has to keep in mind. */
export const MAX_KEYS = 16;

/**
 * Between two looks into the file for keys that are not known yet. Bounds the reads that tokens with made-up key ids, which
 * anybody can send, cost the host.
 */
export const LOOK_EVERY_MS = 100;

const Key = z.object({
  kty: z.literal("oct"),
  alg: z.literal("HS256"),
  kid: z.string().min(1).max(64),
  k: z.base64url().refine((text) => Buffer.from(text, "base64url").length === KEY_BYTES),
});
type Key = z.infer<typeof Key>;

/** A JSON Web Key Set (RFC 7517, section 5), the oldest key first. */
const KeyFile = z.object({
  keys: z
    .array(Key)
    .min(1)
    .max(MAX_KEYS)
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length),
});

/** The gateway both signs and checks its tokens, so symmetric keys do. */
export type SigningKey = { readonly id: string; readonly secret: Uint8Array };

/**
 * The keys of a state folder. The newest signs; all that are kept verify. Any process may change the file: it
 * is replaced as a whole, so that a reader sees the old set or the new one.
 */
export class SigningKeys {
  readonly #file: string;
  #keys: readonly SigningKey[];
  #lookedAt = -Infinity;
  /** Of those who wait for the next look. */
  #nextLook: Promise<void> | undefined;

  private constructor(file: string, keys: readonly SigningKey[]) {
    this.#file = file;
    this.#keys = keys;
  }

  /**
   * The first caller makes the file with one key, readable by its owner only; concurrent first callers get the
   * same. Throws SigningKeyError.
   */
  static async open(stateFolder: string): Promise<SigningKeys> {
    const file = path.join(stateFolder, "signing-keys.json");
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    const keys = (await readKeys(file)) ?? (await makeFile(file));
    return new SigningKeys(file, keys.map(fromJwk));
  }

  /** The oldest first. */
  get ids(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  get newest(): SigningKey {
    const newest = this.#keys.at(-1);
    if (newest === undefined) throw new Error("A set of signing keys is never empty.");
    return newest;
  }

  find(id: string | undefined): SigningKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  /**
   * As find(), and looks into the file for a key that is not known: whoever asks between two looks waits for the next, so
   * that a new key's first token is let in, a moment late at most.
   */
  async lookFor(id: string | undefined): Promise<SigningKey | undefined> {
    const known = this.find(id);
    if (known !== undefined || id === undefined) return known;
    this.#nextLook ??= this.#look();
    await this.#nextLook;
    return this.find(id);
  }

  /** Takes what stands in the file now. Throws SigningKeyError; the keys are then those from before. */
  async reload(): Promise<void> {
    const keys = await readKeys(this.#file);
    if (keys === undefined) {
      throw new SigningKeyError(
        `${this.#file} is gone: tokens of its keys are taken until the gateway's next start, which makes a new one.`,
      );
    }
    this.#keys = keys.map(fromJwk);
  }

  /** Makes a key that signs from now on. Throws SigningKeyError. */
  async rotate(): Promise<SigningKey> {
    await this.#change((keys) => {
      if (keys.length < MAX_KEYS) return [...keys, newKey()];
      throw new SigningKeyError(
        `${this.#file} holds ${MAX_KEYS} keys, which is the limit: drop one that no token needs any more.`,
      );
    });
    return this.newest;
  }

  /** Ends a key, and with it all tokens that it signed. Throws SigningKeyError. */
  async drop(id: string): Promise<void> {
    await this.#change((keys) => {
      const known = keys.map(({ kid }) => kid);
      if (!known.includes(id)) {
        throw new SigningKeyError(`There is no key ${id}: the keys are ${known.join(", ")}.`);
      }
      if (known.at(-1) === id) {
        throw new SigningKeyError(
          `Key ${id} is the one that signs: make another with "heliograph token rotate-key" first.`,
        );
      }
      return keys.filter(({ kid }) => kid !== id);
    });
  }

  async #look(): Promise<void> {
    const wait = this.#lookedAt + LOOK_EVERY_MS - performance.now();
    await new Promise<void>((resolve) => {
      if (wait > 0) setTimeout(resolve, wait);
      else resolve();
    });
    this.#lookedAt = performance.now();
    // Who comes from now on may have a token of a key that is made while the file is read.
    this.#nextLook = undefined;
    await this.reload().catch(() => {}); // The watch tells of it.
  }

  // The draft is also the lock, as git's index.lock is: who makes it may replace the file with it.
  async #change(edit: (keys: readonly Key[]) => readonly Key[]): Promise<void> {
    const draft = `${this.#file}.lock`;
    let handle;
    try {
      handle = await open(draft, "wx", 0o600);
    } catch (cause) {
      if (!hasCode(cause, "EEXIST")) throw cause;
      throw new SigningKeyError(
        `Another command is changing the keys. Where none is, one was cut off: delete ${draft}.`,
        { cause },
      );
    }
    try {
      try {
        const keys = edit((await readKeys(this.#file)) ?? []);
        await handle.writeFile(JSON.stringify({ keys }));
        await handle.sync();
        this.#keys = keys.map(fromJwk);
      } finally {
        await handle.close();
      }
      await rename(draft, this.#file);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}

function newKey(): Key {
  const k = randomBytes(KEY_BYTES).toString("base64url");
  return { kty: "oct", alg: "HS256", kid: randomUUID(), k };
}

function fromJwk({ kid, k }: Key): SigningKey {
  return { id: kid, secret: Buffer.from(k, "base64url") };
}

async function makeFile(file: string): Promise<readonly Key[]> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.writeFile(JSON.stringify({ keys: [newKey()] }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await link(draft, file); // Fails where another process was first: its key counts.
  } catch (cause) {
    if (!hasCode(cause, "EEXIST")) throw cause;
  } finally {
    await rm(draft, { force: true });
  }
  const keys = await readKeys(file);
  if (keys === undefined)
    throw new SigningKeyError(`${file} vanished while it was made; try again.`);
  return keys;
}

async function readKeys(file: string): Promise<readonly Key[] | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
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
      `${file} holds no signing keys: delete it, and a new one is made (all tokens end).`,
      { cause: parsed.error },
    );
  }
  return parsed.data.keys;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
