import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser, waitForFrames } from "#test/support/browser.ts";
import { isAlive, processTree } from "#test/support/processes.ts";
import { Running } from "#test/support/system.ts";

const FIRST_FRAME_MS = 10_000;
/** A killed demo's processes notice, and end in order. */
const END_MS = 10_000;

const LINK = /^ {4}(http:\/\/127\.0\.0\.1:\d+\/#token=\S+)$/;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-demo-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The demo with its state and its sockets in this test's folder. */
function startDemo(): Running {
  return new Running(["demo"], {
    ...process.env,
    XDG_RUNTIME_DIR: folder,
    HELIOGRAPH_STATE_DIR: path.join(folder, "state"),
  });
}

async function link(demo: Running): Promise<string> {
  return LINK.exec(await demo.line(LINK))?.[1] ?? "";
}

test("a browser shows the demo's first frame within ten seconds of its start", async () => {
  await using browser = await launchBrowser({ width: 1000, height: 600 });
  const page = await browser.newPage();
  const began = performance.now();
  await using demo = startDemo();
  await page.goto(await link(demo));
  const video = await page.waitForSelector("video");
  if (video === null) throw new Error("The page has no video.");
  await page.waitForFunction((element) => element.videoWidth > 0, { timeout: 30_000 }, video);
  await waitForFrames(page, 1);
  expect(performance.now() - began).toBeLessThan(FIRST_FRAME_MS);
  expect(demo.output.filter((line) => LINK.test(line))).toHaveLength(1);
});

test.for([
  { signal: "SIGINT", code: 0, leaves: [] },
  { signal: "SIGTERM", code: 0, leaves: [] },
  // A killed demo cannot tidy up its own folder.
  { signal: "SIGKILL", code: "SIGKILL", leaves: [/^heliograph-demo-/] },
] as const)("$signal ends all that the demo started", async ({ signal, code, leaves }) => {
  await using demo = startDemo();
  await link(demo);
  // Gateway, relay, and the program under its runner; the GPU worker comes with the program.
  await expect
    .poll(async () => (await processTree(demo.pid)).length, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(6);
  const tree = await processTree(demo.pid);
  demo.signal(signal);
  expect(await demo.ended).toBe(code);
  const living = async (): Promise<number> =>
    (await Promise.all(tree.map((pid) => isAlive(pid)))).filter(Boolean).length;
  await expect.poll(living, { timeout: END_MS }).toBe(0);
  const left = (await readdir(folder)).filter((name) => name !== "state");
  expect(left).toEqual(leaves.map((name) => expect.stringMatching(name)));
});
