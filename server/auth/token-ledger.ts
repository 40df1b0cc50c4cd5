import { randomUUID } from "node:crypto";
import path from "node:path";
import { TokenJournal, type TokenRecord } from "./token-journal.ts";

export type IssuedToken = Omit<Extract<TokenRecord, { type: "issued" }>, "type">;

/** As randomUUID() makes them. */
const TOKEN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** In which every gateway hears of a revocation. */
const HEARD_SECONDS = 3600;

/** What is known of tokens beside what stands in them: which were issued, revoked and used. */
export class TokenLedger {
  readonly #journal: TokenJournal;
  readonly #now: () => Date;
  readonly #issued = new Map<string, IssuedToken>();
  /** Token ids, and when their tokens expire. */
  readonly #revoked = new Map<string, number>();
  readonly #used = new Map<string, { readonly by: string; readonly expiresAt: number }>();
  #refreshing: Promise<void> = Promise.resolve();

  private constructor(journal: TokenJournal, now: () => Date) {
    this.#journal = journal;
    this.#now = now;
  }

  /** Throws TokenJournalError. */
  static async open(stateFolder: string, now: () => Date = () => new Date()): Promise<TokenLedger> {
    const ledger = new TokenLedger(await TokenJournal.open(path.join(stateFolder, "tokens")), now);
    await ledger.refresh();
    return ledger;
  }

  /** Where the records lie: what to watch for those of other processes. */
  get folder(): string {
    return this.#journal.folder;
  }

  isRevoked(id: string): boolean {
    return this.#revoked.has(id);
  }

  isUsed(id: string): boolean {
    return this.#used.has(id);
  }

  /** Tokens that have not expired, or not long ago; the oldest first. */
  get issued(): readonly IssuedToken[] {
    return [...this.#issued.values()].toSorted((a, b) => a.issuedAt - b.issuedAt);
  }

  async recordIssued(token: IssuedToken): Promise<void> {
    await this.#append({ type: "issued", ...token });
  }

  /**
   * Resolves when the revocation is on disk; false where no token has the id that has not expired. It counts for what such a
   * token let in before, which may be there yet.
   */
  async revoke(id: string): Promise<boolean> {
    const token = this.#issued.get(id);
    if (token === undefined && !TOKEN_ID.test(id)) return false;
    if (!this.#revoked.has(id)) {
      const soon = Math.floor(this.#now().getTime() / 1000) + HEARD_SECONDS;
      await this.#append({ type: "revoked", id, expiresAt: token?.expiresAt ?? soon });
    }
    return token !== undefined;
  }

  /**
   * Uses an invitation up: of all attempts, in any process, one gets true. Each writes its record, and the
   * first in the file has won.
   */
  async use(id: string, expiresAt: number): Promise<boolean> {
    if (this.#used.has(id)) return false;
    const by = randomUUID();
    await this.#append({ type: "used", id, by, expiresAt });
    return this.#used.get(id)?.by === by;
  }

  /** Takes what other processes wrote, and forgets what has expired. Throws TokenJournalError. */
  async refresh(): Promise<void> {
    const before = this.#refreshing;
    this.#refreshing = (async () => {
      await before.catch(() => {}); // Told to its own callers.
      try {
        await this.#journal.readNew((record) => this.#apply(record));
      } finally {
        await this.#forgetExpired();
      }
    })();
    await this.#refreshing;
  }

  /** What was written counts once it is read back: in the order that every process sees. */
  async #append(record: TokenRecord): Promise<void> {
    await this.#journal.append(record);
    await this.refresh();
  }

  #apply(record: TokenRecord): void {
    if (record.type === "issued") {
      const { type: _, ...token } = record;
      this.#issued.set(token.id, token);
    } else if (record.type === "revoked") {
      this.#revoked.set(record.id, record.expiresAt);
    } else if (!this.#used.has(record.id)) {
      this.#used.set(record.id, record);
    }
  }

  async #forgetExpired(): Promise<void> {
    await this.#journal.dropPast(this.#now());
    const now = this.#now().getTime() / 1000;
    for (const kept of [this.#issued, this.#used]) {
      for (const [id, { expiresAt }] of kept) if (expiresAt < now) kept.delete(id);
    }
    for (const [id, expiresAt] of this.#revoked) if (expiresAt < now) this.#revoked.delete(id);
  }
}
