import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  LOOK_EVERY_MS,
  MAX_KEYS,
  SigningKeyError,
  SigningKeys,
} from "#server/auth/signing-keys.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-keys-"));
  file = path.join(folder, "signing-keys.json");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test("the first start makes a key that only its owner reads, and the next one reads it", async () => {
  const made = await SigningKeys.open(folder);
  expect(made.newest.secret).toHaveLength(32);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await SigningKeys.open(folder)).newest).toEqual(made.newest);
});

test("many first starts at once agree on one key, and leave no draft", async () => {
  const opened = await Promise.all(Array.from({ length: 8 }, () => SigningKeys.open(folder)));
  expect(new Set(opened.map(({ newest }) => newest.id)).size).toBe(1);
  expect(await readdir(folder)).toEqual(["signing-keys.json"]);
});

test("a key that others could read is refused with what to do", async () => {
  await SigningKeys.open(folder);
  await chmod(file, 0o640);
  await expect(SigningKeys.open(folder)).rejects.toThrow(
    /readable by other users \(mode 640\).*chmod 600/,
  );
  await chmod(file, 0o600);
  expect(await SigningKeys.open(folder)).toBeDefined();
});

const jwk = (kid: string, bytes = 32) => ({
  kty: "oct",
  alg: "HS256",
  kid,
  k: Buffer.alloc(bytes).toString("base64url"),
});

test.for([
  { why: "is no JSON", text: "key" },
  { why: "is something else", text: "{}" },
  { why: "is empty", text: JSON.stringify({ keys: [] }) },
  { why: "has a key one byte short", text: JSON.stringify({ keys: [jwk("1", 31)] }) },
  { why: "has two keys of one name", text: JSON.stringify({ keys: [jwk("1"), jwk("1")] }) },
])("a file that $why is refused, and not replaced", async ({ text }) => {
  await writeFile(file, text, { mode: 0o600 });
  await expect(SigningKeys.open(folder)).rejects.toThrow(SigningKeyError);
  await expect(SigningKeys.open(folder)).rejects.toThrow(/holds no signing keys: delete it/);
  expect(await readFile(file, "utf8")).toBe(text);
});

describe("changing keys", () => {
  test("the newest signs, and all that are kept are found by their names", async () => {
    const keys = await SigningKeys.open(folder);
    const first = keys.newest;
    const second = await keys.rotate();
    expect(second.id).not.toBe(first.id);
    expect(keys.newest).toEqual(second);
    expect(keys.find(first.id)).toEqual(first);
    expect(keys.find(undefined)).toBeUndefined();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await SigningKeys.open(folder)).ids).toEqual([first.id, second.id]);
  });

  test("another process's change is there after a reload", async () => {
    const mine = await SigningKeys.open(folder);
    const other = await SigningKeys.open(folder);
    const { id } = await other.rotate();
    expect(mine.find(id)).toBeUndefined();
    await mine.reload();
    expect(mine.newest.id).toBe(id);
  });

  test("a file that went bad, or away, leaves the keys from before", async () => {
    const keys = await SigningKeys.open(folder);
    const { id } = keys.newest;
    await writeFile(file, "{");
    await expect(keys.reload()).rejects.toThrow(/holds no signing keys/);
    await rm(file);
    await expect(keys.reload()).rejects.toThrow(/signing-keys\.json is gone/);
    expect(keys.newest.id).toBe(id);
  });

  test("an old key is dropped; the one that signs and an unknown one are not", async () => {
    const keys = await SigningKeys.open(folder);
    const [old] = keys.ids;
    await expect(keys.drop(old!)).rejects.toThrow(/is the one that signs/);
    await keys.rotate();
    await expect(keys.drop("nobody")).rejects.toThrow(
      `There is no key nobody: the keys are ${keys.ids.join(", ")}.`,
    );
    await keys.drop(old!);
    expect(keys.find(old)).toBeUndefined();
    expect((await SigningKeys.open(folder)).ids).toEqual([keys.newest.id]);
  });

  test(`${MAX_KEYS} keys are kept, and no more`, async () => {
    const keys = await SigningKeys.open(folder);
    while (keys.ids.length < MAX_KEYS) await keys.rotate();
    await expect(keys.rotate()).rejects.toThrow(/holds 16 keys, which is the limit/);
    expect(await readdir(folder)).toEqual(["signing-keys.json"]);
  });

  test("two changes at once lose none: one is made, or both, and one may be told of the other", async () => {
    const [one, two] = [await SigningKeys.open(folder), await SigningKeys.open(folder)];
    const results = await Promise.allSettled([one.rotate(), two.rotate()]);
    const made = results.flatMap((each) => (each.status === "fulfilled" ? [each.value.id] : []));
    expect(made.length).toBeGreaterThan(0);
    expect((await SigningKeys.open(folder)).ids).toEqual(expect.arrayContaining(made));
    const told = results.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(told.filter((reason) => !/Another command/.test(String(reason)))).toEqual([]);
  });

  test("a change that was cut off is named, with what to do", async () => {
    const keys = await SigningKeys.open(folder);
    await writeFile(`${file}.lock`, "");
    await expect(keys.rotate()).rejects.toThrow(
      /one was cut off: delete .*signing-keys\.json\.lock/,
    );
    await rm(`${file}.lock`);
    await keys.rotate();
  });
});

/** Asks, and tells whether there was an answer without the clock's going on. */
function asked(keys: SigningKeys, id: string) {
  const state = { isAnswered: false };
  const answer = keys.lookFor(id).finally(() => {
    state.isAnswered = true;
  });
  return { state, answer };
}

describe("a key that is not known yet", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("is found at once, and again only after the pause, without a new start", async () => {
    const keys = await SigningKeys.open(folder);
    const others = await SigningKeys.open(folder);
    const first = await others.rotate();
    expect(await keys.lookFor(first.id)).toEqual(first);
    const second = await others.rotate();
    const { state, answer } = asked(keys, second.id);
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS - 1);
    expect([state.isAnswered, keys.find(second.id)]).toEqual([false, undefined]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toEqual(second);
  });

  test("costs one look, whoever asks for whatever meanwhile", async () => {
    const keys = await SigningKeys.open(folder);
    const others = await SigningKeys.open(folder);
    expect(await keys.lookFor("made-up")).toBeUndefined();
    const asking = Array.from({ length: 1000 }, (_, index) => asked(keys, `made-up-${index}`));
    const { id } = await others.rotate();
    const honest = asked(keys, id);
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS);
    expect((await honest.answer)?.id).toBe(id);
    const answers = await Promise.all(asking.map(({ answer }) => answer));
    expect(answers.filter((key) => key !== undefined)).toEqual([]);
    // All of them were one look: the next is a pause later.
    const next = asked(keys, "made-up");
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS - 1);
    expect(next.state.isAnswered).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await next.answer).toBeUndefined();
  });

  test("that is known, or named by nobody, costs none", async () => {
    const keys = await SigningKeys.open(folder);
    await keys.lookFor("made-up");
    expect(await keys.lookFor(keys.newest.id)).toEqual(keys.newest);
    expect(await keys.lookFor(undefined)).toBeUndefined();
  });
});
