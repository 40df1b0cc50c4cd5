import { setTimeout as delay } from "node:timers/promises";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COUNT_FRAMES, FRAMES_LINE } from "#test/bench/frame-rate.ts";
import { launchBrowser, openLiveViewer, waitForFrames } from "#test/support/browser.ts";
import { type Command, Stack } from "#test/support/stack.ts";

// The way between the VM and the GPU host breaks, or the gateway dies: what the program, its runner and
// the operator see of it.

const CUT_MS = 10_000;
/** After a gateway's restart, all are back within this. */
const BACK_MS = 5_000;

const COUNTED = { env: { NODE_OPTIONS: `--import=${COUNT_FRAMES}` } };
const FRAMES = new RegExp(`^${FRAMES_LINE} (\\d+) `);

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser({ width: 480, height: 270 });
});
afterAll(() => browser.close());

/** Frames that the program has drawn so far, by its own count. */
function frames(program: Command): number {
  return Number(program.lines.findLast((line) => FRAMES.test(line))?.match(FRAMES)?.[1] ?? 0);
}

/** What it printed but for the frames. */
function said(program: Command): string[] {
  return program.lines.filter((line) => !FRAMES.test(line));
}

async function drawsPast(program: Command, count: number): Promise<void> {
  while (frames(program) <= count) await program.moreLinesThan(program.lines.length);
}

async function milliseconds(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

describe("a three.js program goes on undisturbed", () => {
  test.for([
    {
      how: "is cut",
      break: (stack: Stack) => stack.proxy!.cut(),
      viewer: "guest-away",
    },
    {
      how: "falls silent",
      break: (stack: Stack) => stack.proxy!.stall(),
      viewer: "live",
    },
  ])("when its link $how for 10 s", async ({ how, break: breakLink, viewer }) => {
    await using stack = await Stack.start({ proxied: true });
    const program = stack.run("three-orbit.js", COUNTED);
    const page = await openLiveViewer(browser, await stack.viewerLink());
    await drawsPast(program, 10);
    const [worker] = await stack.workers();
    breakLink(stack);
    await delay(CUT_MS);
    const before = frames(program);
    expect(await page.$eval("body", (body) => body.dataset["state"])).toBe(viewer);
    stack.proxy!.restore();
    const back = await milliseconds(() => drawsPast(program, before + 5));
    await page.waitForSelector('body[data-state="live"]');
    await waitForFrames(page, 5);
    console.log(
      `A link that ${how} for ${CUT_MS / 1000} s: frame ${before} before the end of it, ` +
        `5 more ${back.toFixed(0)} ms after`,
    );
    expect(said(program)).toEqual([]);
    expect(await stack.workers()).toEqual([worker]);
    await page.close();
  });
});

test("a link that is away for longer than its limit is lost: the program's device is, too", async () => {
  await using stack = await Stack.start({ proxied: true, config: { resumeSeconds: 2 } });
  const program = stack.run("three-orbit.js", COUNTED);
  await drawsPast(program, 1);
  stack.proxy!.cut();
  await program.line(/The link to the gateway broke, and did not come back within 2 s\./);
  await program.line(/device was lost|WebGPU Device Lost|[Dd]evice.*lost/i);
  expect(await program.ended).toBe("1");
});

describe("after a kill -9 of the gateway and its restart", () => {
  test("relay, restarted program and viewer show frames again within 5 s", async () => {
    await using stack = await Stack.start();
    const program = stack.run("three-orbit.js", { ...COUNTED, args: ["--restart"] });
    const page = await openLiveViewer(browser, await stack.viewerLink());
    await drawsPast(program, 10);
    await stack.restartGateway();
    const back = await milliseconds(async () => {
      await page.waitForSelector('body[data-state="live"]');
      await waitForFrames(page, 3);
    });
    console.log(`The viewer shows frames ${back.toFixed(0)} ms after the gateway is ready again`);
    expect(said(program).join("\n")).toMatch(
      /after it lost its connection: .*\(404\).* It is started again in 0\.\d s\./,
    );
    expect(back).toBeLessThan(BACK_MS);
    await page.close();
  });

  test("a program that is not to be restarted ends", async () => {
    await using stack = await Stack.start();
    const program = stack.run("three-orbit.js", COUNTED);
    await drawsPast(program, 1);
    await stack.restartGateway();
    expect(await program.ended).toBe("1");
  });
});

test("a program whose worker is killed is started again, and one that ends by itself is not", async () => {
  await using stack = await Stack.start({ config: { unwatchedFrameRate: 10 } });
  const program = stack.run("three-orbit.js", { ...COUNTED, args: ["--restart"] });
  await drawsPast(program, 3);
  const [worker] = await stack.workers();
  process.kill(worker!, "SIGKILL");
  await program.line(/lost its connection: The GPU worker .* It is started again/);
  const before = program.lines.length;
  while (!program.lines.slice(before).some((line) => FRAMES.test(line))) {
    await program.moreLinesThan(program.lines.length);
  }
  process.kill(program.pid, "SIGTERM");
  expect(await program.ended).toBe("143");
  const compute = stack.run("compute.js", { args: ["--restart"] });
  expect(await compute.ended).toBe("0");
  expect(said(compute).join("\n")).not.toMatch(/started again/);
});
