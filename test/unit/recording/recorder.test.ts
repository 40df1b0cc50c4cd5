import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_ADAPTER_CHARACTERS } from "#server/recording/format.ts";
import {
  MAX_CHOSEN_SESSIONS,
  Recorder,
  type WorkerRecordings,
} from "#server/recording/recorder.ts";
import { readVector, TEST_HEADER } from "#test/support/recordings.ts";

const ABOUT = { adapter: TEST_HEADER.adapter, bounds: TEST_HEADER.bounds };
const LIMITS = { fileBytes: 10_000, files: 3, totalBytes: 40_000 };

let folder: string;
let told: string[];
let ended: PromiseWithResolvers<void>;
const workers: WorkerRecordings[] = [];

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), "heliograph-recorder-")), "recordings");
  told = [];
  ended = Promise.withResolvers<void>();
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.workerEnded("The test is over.");
  await rm(path.dirname(folder), { recursive: true });
});

/** Of a worker that ends with the test. */
function workerOf(all: Recorder, session = "vm"): WorkerRecordings {
  const worker = all.forWorker(session);
  workers.push(worker);
  return worker;
}

function recorder({ limits = LIMITS, inProfile = false } = {}): Recorder {
  return new Recorder({
    folder,
    limits,
    isInProfile: () => inProfile,
    events: {
      began: (_session, connection) => told.push(`began ${connection}`),
      ended: (_session, connection, { why }) => {
        told.push(`ended ${connection} ${why}`);
        ended.resolve();
      },
      failed: (_session, connection, reason) => told.push(`failed ${connection}: ${reason}`),
    },
  });
}

const filesOf = async (session: string) => (await readdir(path.join(folder, session))).toSorted();

/** Closed recordings of earlier, the oldest first. */
async function earlier(count: number, bytes: number): Promise<string[]> {
  const ofSession = path.join(folder, "vm");
  await workerOf(recorder({ inProfile: true }), "vm").begin(99, ABOUT);
  const names = Array.from({ length: count }, (_, at) => `2020010${at + 1}T000000000Z-1.hgrec`);
  for (const name of names) await writeFile(path.join(ofSession, name), Buffer.alloc(bytes));
  const [made] = (await filesOf("vm")).filter((name) => !names.includes(name));
  await rm(path.join(ofSession, made!));
  return names;
}

describe("whether programs are recorded", () => {
  test.for([
    { inProfile: false, chosen: undefined, on: false },
    { inProfile: true, chosen: undefined, on: true },
    { inProfile: false, chosen: true, on: true },
    { inProfile: true, chosen: false, on: false },
  ])("profile $inProfile, admin $chosen: $on", async ({ inProfile, chosen, on }) => {
    const all = recorder({ inProfile });
    all.choose("vm", chosen);
    expect(all.isOn("vm")).toBe(on);
    const begun = await workerOf(all).begin(1, ABOUT);
    expect(begun).toBe(on);
    expect(all.find("vm", 1) === undefined).toBe(!on);
    expect(told).toEqual(on ? ["began 1"] : []);
  });

  test("an admin's word is remembered of so many sessions and no more", () => {
    const all = recorder();
    for (let at = 0; at < MAX_CHOSEN_SESSIONS; at++)
      expect(all.choose(`vm-${at}`, true)).toBe(true);
    expect(all.choose("one-more", true)).toBe(false);
    expect(all.choose("vm-0", false)).toBe(true);
    expect(all.choose("vm-0", undefined)).toBe(true);
    expect(all.choose("one-more", true)).toBe(true);
  });
});

test("what connections send and what their worker says of them is kept, each in its file", async () => {
  const all = recorder({ inProfile: true });
  const worker = workerOf(all);
  await Promise.all([worker.begin(1, ABOUT), worker.begin(2, ABOUT)]);
  all.find("vm", 1)?.up(Buffer.from("one"));
  all.find("vm", 2)?.up(Buffer.from("two"));
  worker.mapped(2, { request: 1, bytes: 2, sha256: "ab".repeat(32) });
  worker.connectionEnded(1, "It went.");
  expect(all.openOf("vm")).toBe(1);
  worker.workerEnded("It was killed.");
  await expect.poll(() => told.length).toBe(4);
  expect(told.toSorted()).toEqual(["began 1", "began 2", "ended 1 ended", "ended 2 ended"]);
  const [first, second] = await filesOf("vm");
  const read = (name: string) => readVector(path.join(folder, "vm", name));
  expect((await read(first!)).up.map(String)).toEqual(["one"]);
  expect((await read(second!)).mapped).toHaveLength(1);
  expect((await stat(path.join(folder, "vm"))).mode & 0o777).toBe(0o700);
});

test("a worker that calls its adapter what no header may have leaves a recording that is read", async () => {
  const name = `a\n${"x".repeat(MAX_ADAPTER_CHARACTERS)}🐈`;
  const worker = workerOf(recorder({ inProfile: true }));
  await worker.begin(1, { ...ABOUT, adapter: { name, isSoftware: true } });
  worker.connectionEnded(1, "It went.");
  await ended.promise;
  const [file] = await filesOf("vm");
  const { header } = await readVector(path.join(folder, "vm", file!));
  expect(header.adapter.name).toBe(`a ${"x".repeat(MAX_ADAPTER_CHARACTERS - 2)}`);
});

describe("rotation", () => {
  test("keeps the newest files, with room for one more", async () => {
    const names = await earlier(3, 10);
    await workerOf(recorder({ inProfile: true }), "vm").begin(1, ABOUT);
    const files = await filesOf("vm");
    expect(files).toHaveLength(LIMITS.files);
    expect(files).toEqual(expect.arrayContaining(names.slice(1)));
  });

  test.for([
    { bytes: 15_000, kept: 2 },
    { bytes: 15_001, kept: 1 },
  ])("two files of $bytes bytes leave $kept of them", async ({ bytes, kept }) => {
    const names = await earlier(2, bytes);
    await workerOf(recorder({ inProfile: true }), "vm").begin(1, ABOUT);
    expect(await filesOf("vm")).toEqual(expect.arrayContaining(names.slice(2 - kept)));
    expect(await filesOf("vm")).toHaveLength(kept + 1);
  });

  test("one session's leaves another's alone", async () => {
    const names = await earlier(3, 10);
    await workerOf(recorder({ inProfile: true }), "other").begin(1, ABOUT);
    expect(await filesOf("vm")).toEqual(names);
  });

  test("does not take what still grows: one program more is not recorded, and told of", async () => {
    const all = recorder({ inProfile: true });
    const worker = workerOf(all);
    for (const connection of [1, 2, 3]) expect(await worker.begin(connection, ABOUT)).toBe(true);
    expect(await worker.begin(4, ABOUT)).toBe(false);
    expect(told.at(-1)).toBe(
      "failed 4: 3 programs of the session are being recorded, and one more has no room.",
    );
    worker.connectionEnded(1, "It went.");
    await ended.promise;
    expect(await worker.begin(5, ABOUT)).toBe(true);
    expect(await filesOf("vm")).toHaveLength(3);
  });
});

test("where there can be no folder, the program is served and not recorded", async () => {
  await writeFile(folder, "a file");
  const all = recorder({ inProfile: true });
  expect(await workerOf(all).begin(1, ABOUT)).toBe(false);
  expect(told).toEqual([expect.stringMatching(/^failed 1: .*(ENOTDIR|EEXIST)/)]);
});
