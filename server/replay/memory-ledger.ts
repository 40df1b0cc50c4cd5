/**
 * What the connections of one session hold together of one thing that is limited: bytes of a kind of
 * memory, or objects. Owned by the worker; whoever takes gives back.
 */
export class Ledger {
  #quota: number;
  #used = 0;

  constructor(quota: number) {
    this.#quota = quota;
  }

  get used(): number {
    return this.#used;
  }

  get quota(): number {
    return this.#quota;
  }

  /** May fall below what is used: then nothing more is granted until enough was given back. */
  set quota(quota: number) {
    this.#quota = quota;
  }

  /** Charges as much, if the quota has room for all of it; charges nothing otherwise. */
  take(amount: number): boolean {
    // Written so that NaN and infinity are refused too.
    if (!(this.#used + amount <= this.#quota)) return false;
    this.#used += amount;
    return true;
  }

  /** Gives back what take() granted. */
  give(amount: number): void {
    this.#used -= amount;
  }
}

/** One amount that was taken. Released once, however often it is asked. */
export class Charge {
  #release: (() => void) | undefined;

  constructor(release: () => void) {
    this.#release = release;
  }

  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}

/** What one device holds: its end gives back all that was not given back before. */
export class Holdings {
  readonly #charges = new Set<Charge>();
  /** What was given back since the device's last submit. */
  freed = 0;
  #isClosed = false;

  /** Undefined where the ledger has no room. Once closed, nothing is charged: a lost device makes nothing. */
  take(ledger: Ledger, amount: number): Charge | undefined {
    if (this.#isClosed) return new Charge(() => {});
    if (!ledger.take(amount)) return undefined;
    const charge = new Charge(() => {
      this.#charges.delete(charge);
      this.freed += amount;
      ledger.give(amount);
    });
    this.#charges.add(charge);
    return charge;
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const charge of this.#charges) charge.release();
  }
}
