import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TokenJournalError } from "#server/auth/token-journal.ts";
import { type IssuedToken, TokenLedger } from "#server/auth/token-ledger.ts";

const NOW = new Date("2026-11-24T12:00:00Z");
const HOUR = 3600;
const DAY = 24 * HOUR;
const seconds = NOW.getTime() / 1000;

let folder: string;
let now: Date;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-ledger-"));
  now = NOW;
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const open = () => TokenLedger.open(folder, () => now);
const files = () => readdir(path.join(folder, "tokens"));
const token = (id: string, lifetime = HOUR): IssuedToken => ({
  id,
  key: "key-1",
  role: "view",
  session: "vm-1",
  issuedAt: seconds,
  expiresAt: seconds + lifetime,
});

describe("a revocation", () => {
  test("is known to the next start, in a file that only its owner reads", async () => {
    const ledger = await open();
    await ledger.recordIssued(token("a"));
    await ledger.recordIssued(token("b"));
    expect(await ledger.revoke("a")).toBe(true);
    const next = await open();
    expect([next.isRevoked("a"), next.isRevoked("b")]).toEqual([true, false]);
    expect(next.issued.map(({ id }) => id)).toEqual(["a", "b"]);
    const [name] = await files();
    expect((await stat(path.join(folder, "tokens", name!))).mode & 0o777).toBe(0o600);
  });

  test("of another process is known after a refresh", async () => {
    const mine = await open();
    const other = await open();
    await other.recordIssued(token("a"));
    await other.revoke("a");
    expect(mine.isRevoked("a")).toBe(false);
    await mine.refresh();
    expect(mine.isRevoked("a")).toBe(true);
  });

  test("of a token that has expired counts for those whom it let in", async () => {
    const id = randomUUID();
    const ledger = await open();
    await ledger.recordIssued(token(id, HOUR));
    now = new Date(NOW.getTime() + 2 * HOUR * 1000);
    const other = await open();
    expect(other.issued).toEqual([]);
    expect(await other.revoke(id)).toBe(false);
    await ledger.refresh();
    expect(ledger.isRevoked(id)).toBe(true);
  });

  test("of an id that was never issued is not made", async () => {
    const ledger = await open();
    expect(await ledger.revoke("nobody")).toBe(false);
    expect(await files()).toEqual([]);
  });

  test("twice is written once", async () => {
    const ledger = await open();
    await ledger.recordIssued(token("a"));
    await ledger.revoke("a");
    await ledger.revoke("a");
    const text = await readFile(path.join(folder, "tokens", "2026-11-24.jsonl"), "utf8");
    expect(text.match(/revoked/g)).toHaveLength(1);
  });
});

describe("a crash half-way through a write", () => {
  const cases = Array.from({ length: 8 }, (_, at) => ({ bytes: at * 12 + 1 }));

  test.for(cases)("after $bytes bytes costs that record alone", async ({ bytes }) => {
    const ledger = await open();
    await ledger.recordIssued(token("a"));
    await ledger.recordIssued(token("b"));
    await ledger.revoke("a");
    const file = path.join(folder, "tokens", "2026-11-24.jsonl");
    const cut = `\n${JSON.stringify({ type: "revoked", id: "b", expiresAt: seconds + HOUR, more: "x".repeat(40) })}`;
    await appendFile(file, cut.slice(0, bytes));
    const next = await open();
    expect([next.isRevoked("a"), next.isRevoked("b")]).toEqual([true, false]);
    await next.revoke("b"); // The next append is not spoilt by what was cut off before it.
    await ledger.refresh();
    for (const each of [ledger, next, await open()]) {
      expect([each.isRevoked("a"), each.isRevoked("b")]).toEqual([true, true]);
    }
  });

  test("is not what a record of another release is: that is refused by name", async () => {
    const ledger = await open();
    await ledger.recordIssued(token("a"));
    const file = path.join(folder, "tokens", "2026-11-24.jsonl");
    await appendFile(file, '\n{"type":"pardoned","id":"a"}\n');
    await expect(open()).rejects.toThrow(TokenJournalError);
    await expect(open()).rejects.toThrow(/2026-11-24\.jsonl has a record .*pardoned/);
    // A gateway that runs says so, and goes on with what it understands.
    await expect(ledger.revoke("a")).rejects.toThrow(/pardoned/);
    expect(ledger.isRevoked("a")).toBe(true);
    await ledger.refresh();
  });
});

describe("what is kept is bounded", () => {
  test("an entry is forgotten once its token has expired, and its file when the day is past", async () => {
    const ledger = await open();
    await ledger.recordIssued(token("short", HOUR));
    await ledger.recordIssued(token("long", 2 * DAY));
    await ledger.revoke("short");
    await ledger.use("short", seconds + HOUR);
    expect(await files()).toEqual(["2026-11-24.jsonl", "2026-11-26.jsonl"]);

    now = new Date(NOW.getTime() + HOUR * 1000 + 1000);
    await ledger.refresh();
    expect(ledger.issued.map(({ id }) => id)).toEqual(["long"]);
    expect([ledger.isRevoked("short"), ledger.isUsed("short")]).toEqual([false, false]);
    expect(await files()).toHaveLength(2);

    now = new Date("2026-11-25T01:00:00.000Z"); // An hour for clocks that differ.
    await ledger.refresh();
    expect(await files()).toHaveLength(2);
    now = new Date("2026-11-25T01:00:00.001Z");
    await ledger.refresh();
    expect(await files()).toEqual(["2026-11-26.jsonl"]);
  });

  test("files of other kinds are left alone", async () => {
    await open();
    await writeFile(path.join(folder, "tokens", "notes.txt"), "mine");
    now = new Date("2030-01-01T00:00:00Z");
    await open();
    expect(await files()).toEqual(["notes.txt"]);
  });
});

describe("an invitation", () => {
  test("is used once, also after a restart", async () => {
    const ledger = await open();
    expect(await ledger.use("i", seconds + HOUR)).toBe(true);
    expect(await ledger.use("i", seconds + HOUR)).toBe(false);
    expect(await (await open()).use("i", seconds + HOUR)).toBe(false);
    expect(await ledger.use("j", seconds + HOUR)).toBe(true);
  });

  test("that many processes race for goes to exactly one", async () => {
    for (const id of ["a", "b", "c", "d"]) {
      const ledgers = await Promise.all(Array.from({ length: 8 }, open));
      const uses = ledgers.flatMap((ledger) => [ledger, ledger]);
      const results = await Promise.all(uses.map((each) => each.use(id, seconds + HOUR)));
      expect(results.filter(Boolean)).toHaveLength(1);
    }
  });
});
