import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser } from "puppeteer-core";
import { launchBrowser } from "#test/support/browser.ts";
import { type Figure, medianFigure } from "./figures.ts";
import { spreadOf } from "./statistics.ts";
import { firstFrameAt, openViewer } from "./watched.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** From `npm start` to the first frame in a browser that is open already; nothing is cached yet. */
export async function coldStart(rounds: number, say: (line: string) => void): Promise<Figure[]> {
  await using browser = await launchBrowser();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    times.push(await startOnce(browser));
    say(`cold start: ${times.at(-1)!.toFixed(0)} ms`);
  }
  return [medianFigure("cold_start_ms", spreadOf(times), { atMost: 10_000 })];
}

async function startOnce(browser: Browser): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-bench-"));
  const began = performance.timeOrigin + performance.now();
  const child = spawn("npm", ["start"], {
    cwd: REPOSITORY,
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      XDG_CACHE_HOME: path.join(folder, "cache"),
      XDG_STATE_HOME: path.join(folder, "state"),
    },
  });
  // npm may end before the gateway that it started; all of them hold its output.
  const ended = once(child, "close");
  try {
    const page = await openViewer(browser, await printedLink(createInterface(child.stdout)));
    const milliseconds = (await firstFrameAt(page)) - began;
    await page.close();
    return milliseconds;
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function printedLink(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const [link] = /https?:\/\/\S+#token=\S+/.exec(line) ?? [];
    if (link !== undefined) return link;
  }
  throw new Error("npm start ended before it printed a link.");
}
