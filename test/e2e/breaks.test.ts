import { fileURLToPath } from "node:url";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openLiveViewer, waitForFrames } from "#test/support/browser.ts";
import { cpuSeconds, isAlive, processTree } from "#test/support/processes.ts";
import { Stack } from "#test/support/stack.ts";

// Each part is killed in turn: what is left goes on, and the operator is told in words.

const ENDLESS_SHADER = fileURLToPath(
  new URL("../bench/scenes/hostile/endless-shader.js", import.meta.url),
);

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser({ width: 480, height: 270 });
});
afterAll(() => browser.close());

async function notice(page: Page, state: string): Promise<string> {
  await page.waitForSelector(`body[data-state="${state}"]`);
  return page.$eval("#notice-sentence", (element) => element.textContent);
}

async function isServing(stack: Stack): Promise<boolean> {
  const response = await fetch(`${stack.url}/healthz`);
  return response.ok;
}

describe("after a kill -9", () => {
  test("of the program, the viewer says so, and shows the next one", async () => {
    await using stack = await Stack.start();
    const program = stack.run("plain.js");
    const page = await openLiveViewer(browser, await stack.viewerLink());
    await program.kill();
    expect(await notice(page, "guest-gone")).toMatch(/program ended/);
    expect(await isServing(stack)).toBe(true);
    stack.run("plain.js");
    await page.waitForSelector('body[data-state="live"]');
    await waitForFrames(page, 5);
    await page.close();
  });

  test("of the relay, the program is told, the viewer says so, and a new relay serves", async () => {
    await using stack = await Stack.start();
    const program = stack.run("plain.js");
    const page = await openLiveViewer(browser, await stack.viewerLink());
    await stack.relay.kill();
    expect(await notice(page, "guest-away")).toMatch(/last frame stays/);
    await program.ended;
    expect(await isServing(stack)).toBe(true);
    await stack.restartRelay();
    stack.run("plain.js");
    await page.waitForSelector('body[data-state="live"]');
    await waitForFrames(page, 5);
    await page.close();
  });

  test("of the GPU worker, the program is told, the viewer says so, and a new one draws", async () => {
    await using stack = await Stack.start();
    const program = stack.run("plain.js");
    const page = await openLiveViewer(browser, await stack.viewerLink());
    const [worker] = await stack.workers();
    process.kill(worker!, "SIGKILL");
    expect(await notice(page, "worker-restarting")).toMatch(/GPU worker/);
    await program.line(/GPU worker/);
    expect(await isServing(stack)).toBe(true);
    await program.kill();
    stack.run("plain.js");
    await page.waitForSelector('body[data-state="live"]');
    await waitForFrames(page, 5);
    expect(await stack.workers()).not.toContain(worker);
    await page.close();
  });

  test("of the gateway while its worker hangs in a shader, no process is left after 1 s", async () => {
    // On a busy machine its shader may not have had a second's processor time by the usual deadline.
    await using stack = await Stack.start({ config: { submitDeadline: 600_000 } });
    const program = stack.run(ENDLESS_SHADER);
    await program.line(/^submitted$/);
    const [worker] = await stack.workers();
    expect(worker).toBeDefined();
    const tree = await processTree(stack.gateway.pid);
    expect(tree).toContain(worker);
    // The shader runs, and nothing else in the worker would: it takes the processor and does not end.
    const before = await cpuSeconds(worker!);
    while ((await cpuSeconds(worker!)) < before + 1) await new Promise(setImmediate);
    expect(program.lines).not.toContain("finished");
    const killed = performance.now();
    process.kill(stack.gateway.pid, "SIGKILL");
    for (const pid of tree) while (await isAlive(pid)) await new Promise(setImmediate);
    const milliseconds = performance.now() - killed;
    console.log(
      `All ${tree.length} processes of the gateway ended in ${milliseconds.toFixed(0)} ms`,
    );
    expect(milliseconds).toBeLessThan(1_000);
  });
});
