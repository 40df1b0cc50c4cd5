import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { isAlive } from "#test/support/processes.ts";

const CASES = [
  { confinement: "off", how: "unconfined" },
  { confinement: "auto", how: "confined as this machine can" },
];

test.for(CASES)(
  "a worker that hangs in a shader, $how, dies within a second of its gateway's kill -9",
  { timeout: 30_000 },
  async ({ confinement }) => {
    const script = new URL("./hanging-gateway.ts", import.meta.url);
    const gateway = spawn(process.execPath, [fileURLToPath(script), confinement], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    // Also where the control fails: the worker would take a core for ever.
    onTestFinished(() => void gateway.kill("SIGKILL"));
    const [line]: unknown[] = await once(createInterface(gateway.stdout), "line");
    const { pid, hangs } = JSON.parse(String(line));
    // The control: it lives, and hangs.
    expect(hangs).toBe(true);
    expect(await isAlive(pid)).toBe(true);
    const exited = once(gateway, "exit");
    gateway.kill("SIGKILL");
    await exited;
    const deadline = performance.now() + 1000;
    while ((await isAlive(pid)) && performance.now() < deadline) await sleep(10);
    expect(await isAlive(pid)).toBe(false);
  },
);
