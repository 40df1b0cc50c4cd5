import { mkdir, open, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** The records of tokens can't be used: the message says why and what to do. */
export class TokenJournalError extends Error {
  override name = "TokenJournalError" as const;
}

const id = z.string().min(1).max(64);
const TokenRecord = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("issued"),
    id,
    key: id,
    role: z.enum(["guest", "view", "control", "admin", "invitation"]),
    session: z.string(),
    /** A guest's. */
    profile: z.string().optional(),
    /** An invitation's: the role of the token that it is exchanged for. */
    grants: z.enum(["view", "control", "admin"]).optional(),
    /** The invitation that this token was given for. */
    invitation: id.optional(),
    issuedAt: z.number(),
    expiresAt: z.number(),
  }),
  z.object({ type: z.literal("revoked"), id, expiresAt: z.number() }),
  // An invitation is used by the first such record of its id; `by` is unique to the attempt that wrote it.
  z.object({ type: z.literal("used"), id, by: id, expiresAt: z.number() }),
]);
/** Times are seconds since 1970, as in tokens. No record holds a token. */
export type TokenRecord = z.infer<typeof TokenRecord>;

const DAY_FILE = /^(\d{4}-\d{2}-\d{2})\.jsonl$/;
/** Clocks of processes, and of hosts that share the folder, may differ by so much. */
const DROP_AFTER_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * What is kept of tokens on disk: one file for each day on which tokens expire, one JSON record a line, only
 * ever appended to, and removed as a whole when its day is past. Any number of processes may append and
 * read at once without a lock: an append is one write to a file that is open for appending, which local file
 * systems do whole and one after the other. So all readers see a file's records in the same order.
 */
export class TokenJournal {
  readonly folder: string;
  /** Bytes of each file that were read. */
  readonly #read = new Map<string, number>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(folder: string): Promise<TokenJournal> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new TokenJournal(folder);
  }

  /** Resolves when the record is on disk. */
  async append(record: TokenRecord): Promise<void> {
    // The line break in front ends a line that a crash cut off.
    const line = Buffer.from(`\n${JSON.stringify(TokenRecord.parse(record))}\n`);
    const handle = await open(path.join(this.folder, dayFile(record.expiresAt)), "a", 0o600);
    try {
      const { bytesWritten } = await handle.write(line);
      if (bytesWritten !== line.length) {
        throw new TokenJournalError(
          `Only ${bytesWritten} of a record's ${line.length} bytes could be written to ${this.folder}: free some space.`,
        );
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /**
   * Tells the records that came since the last call; of each file in its order. Calls must not overlap. Throws
   * TokenJournalError for the first that is not understood, after the others were told.
   */
  async readNew(tell: (record: TokenRecord) => void): Promise<void> {
    let failure: TokenJournalError | undefined;
    for (const name of (await readdir(this.folder)).filter((each) => DAY_FILE.test(each))) {
      for (const line of await this.#readLines(name)) {
        const record = this.#parse(name, line);
        if (record instanceof TokenJournalError) failure ??= record;
        else if (record !== undefined) tell(record);
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Removes the files of days that are past. */
  async dropPast(now: Date): Promise<void> {
    for (const name of await readdir(this.folder)) {
      const [, day] = DAY_FILE.exec(name) ?? [];
      if (day === undefined) continue;
      if (Date.parse(day) + DAY_MS + DROP_AFTER_MS >= now.getTime()) continue;
      await rm(path.join(this.folder, name), { force: true });
      this.#read.delete(name);
    }
  }

  async #readLines(name: string): Promise<string[]> {
    let handle;
    try {
      handle = await open(path.join(this.folder, name), "r");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return []; // Its day is past.
      throw cause;
    }
    try {
      const { size } = await handle.stat();
      const known = this.#read.get(name) ?? 0;
      const from = size < known ? 0 : known; // It was made anew.
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(size - from),
        0,
        size - from,
        from,
      );
      // A line without its end is still being written, or never will be.
      const end = buffer.lastIndexOf("\n", bytesRead - 1) + 1;
      if (bytesRead === 0 || end === 0) return [];
      this.#read.set(name, from + end);
      return buffer.toString("utf8", 0, end).split("\n");
    } finally {
      await handle.close();
    }
  }

  /** Undefined for a line that a crash cut off: nobody was told that its record is kept. */
  #parse(name: string, line: string): TokenRecord | TokenJournalError | undefined {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return undefined;
    }
    const parsed = TokenRecord.safeParse(value);
    if (parsed.success) return parsed.data;
    return new TokenJournalError(
      `${path.join(this.folder, name)} has a record that this release does not know (${line.slice(0, 100)}): ` +
        "run the release that wrote it, or a later one.",
      { cause: parsed.error },
    );
  }
}

function dayFile(expiresAt: number): string {
  return `${new Date(expiresAt * 1000).toISOString().slice(0, 10)}.jsonl`;
}
