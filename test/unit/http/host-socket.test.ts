import { request } from "node:http";
import { link, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HostSocket, MAX_PATH_BYTES } from "#server/http/host-socket.ts";

let folder: string;
let file: string;
let failures: string[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-host-"));
  file = path.join(folder, "gateway.sock");
  failures = [];
});
afterEach(() => rm(folder, { recursive: true }));

const listen = (says: string, at = file): Promise<HostSocket> =>
  HostSocket.listen({
    file: at,
    serve: (_request, response) => void response.end(says),
    failed: (reason) => failures.push(reason),
  });

const ask = (): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath: file }, (response) => {
      response.once("data", (text) => resolve(String(text)));
    })
      .once("error", reject)
      .end();
  });

test("serves at a socket that is its owner's alone, and leaves none behind", async () => {
  {
    await using _ = await listen("one");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await ask()).toBe("one");
  }
  expect(await readdir(folder)).toEqual([]);
  expect(failures).toEqual([]);
});

test("takes the place of a socket that a dead gateway left", async () => {
  const dead = createServer();
  await new Promise<void>((resolve) => void dead.listen(path.join(folder, "dead"), resolve));
  // Its name outlives it under another one, as that of a killed process does.
  await link(path.join(folder, "dead"), file);
  await new Promise<void>((resolve) => void dead.close(() => resolve()));
  await expect(ask()).rejects.toThrow("ECONNREFUSED");
  await using _ = await listen("two");
  expect(await ask()).toBe("two");
  expect(failures).toEqual([]);
});

describe("says why there is none, and rejects not,", () => {
  test("where another gateway listens, which goes on", async () => {
    await using _ = await listen("one");
    const second = await listen("two");
    expect(failures).toEqual([
      `The gateway can't listen at ${file} (another gateway of this state folder listens there): "heliograph record" does not reach it.`,
    ]);
    await second[Symbol.asyncDispose]();
    expect(await ask()).toBe("one");
  });

  test("where something else is in the way, which stays", async () => {
    await writeFile(file, "mine");
    await using _ = await listen("one");
    expect(failures).toEqual([expect.stringContaining("(what is there is no socket)")]);
    expect((await stat(file)).isFile()).toBe(true);
  });

  test.for([
    { length: MAX_PATH_BYTES, fails: 0 },
    { length: MAX_PATH_BYTES + 1, fails: 1 },
  ])("where its path has $length bytes: $fails", async ({ length, fails }) => {
    const at = path.join(folder, "x".repeat(length - folder.length - 1));
    await using _ = await listen("one", at);
    expect(failures).toHaveLength(fails);
  });
});
