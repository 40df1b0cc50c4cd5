import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Config, readConfigFile, resolveConfig } from "#server/config/config.ts";
import { ConfigWatch } from "#server/main/config-watch.ts";

const environment = {
  configFile: undefined,
  stateFolder: "/state",
  cacheFolder: "/cache",
  runtimeFolder: "/run",
};

let folder: string;
let file: string;
let heard: string[];
let wake: () => void;
let watch: ConfigWatch;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-config-"));
  file = path.join(folder, "heliograph.yaml");
  heard = [];
  wake = () => {};
  await writeFile(file, "port: 1");
  const hear = (what: string): void => {
    heard.push(what);
    wake();
  };
  watch = new ConfigWatch({
    source: await readConfigFile(file),
    read: readConfigFile,
    resolve: (source): Config => resolveConfig(environment, {}, source),
    changed: ({ port }) => hear(`port ${port}`),
    refused: (reason) => hear(reason),
    failed: (error) => hear(`failed: ${String(error)}`),
  });
});

afterEach(async () => {
  watch[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

async function next(count: number): Promise<readonly string[]> {
  while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
  return heard;
}

test("a file that is written is read, and one that is wrong is refused until it is right", async () => {
  await writeFile(file, "port: 2");
  expect(await next(1)).toEqual(["port 2"]);
  await writeFile(file, "port: 2\nhost: [");
  await next(2);
  expect(heard[1]).toMatch(/heliograph\.yaml:2 is not YAML .*correct the line\.$/);
  await writeFile(file, "port: 3");
  expect((await next(3))[2]).toBe("port 3");
});

test("a file that another takes the place of is read", async () => {
  const draft = path.join(folder, "draft");
  await writeFile(draft, "port: 4");
  await rename(draft, file);
  expect(await next(1)).toEqual(["port 4"]);
});

test("a file that is emptied and written at once is read as it is in the end", async () => {
  await writeFile(file, "");
  await writeFile(file, "port: 5");
  expect(await next(1)).toEqual(["port 5"]);
});

test("a file that goes away is refused, and one that comes back unchanged is read again", async () => {
  await rm(file);
  expect((await next(1))[0]).toMatch(/can't be read .*ENOENT/);
  await writeFile(file, "port: 1");
  expect((await next(2))[1]).toBe("port 1");
});

test("a change of another file beside it is none", async () => {
  await writeFile(path.join(folder, "other"), "port: 9");
  watch.reread(); // Tells that the watch has looked.
  expect(await next(1)).toEqual(["port 1"]);
});
