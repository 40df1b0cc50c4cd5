import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Tokens } from "#server/auth/tokens.ts";
import { type GatewayEnvironment, readGatewayEnvironment } from "#server/config/env.ts";
import { viewerLink } from "#server/main/issue-token.ts";
import { probeGpu } from "#server/session/gpu-probe.ts";
import { Child } from "./child.ts";

const SESSION = "demo";
const PREFERRED_PORT = 7340;
const TOKEN_LIFETIME_SECONDS = 30 * 86_400;

/** A software GPU holds 30 frames a second of the demo's scene at this size. */
const SOFTWARE_SIZE = { width: 576, height: 324 };
const HARDWARE_SIZE = { width: 1280, height: 720 };

// JSON is YAML. The guest's token names the profile, once it is known what GPU there is.
const CONFIG = JSON.stringify({
  logLevel: "warn",
  profiles: {
    hardware: {},
    software: { size: SOFTWARE_SIZE, maxSize: SOFTWARE_SIZE, frameRate: 30 },
  },
});

/** A program that ends this often without having lived for a while is not started again. */
const MAX_QUICK_ENDS = 3;
const QUICK_END_MS = 10_000;
const RESTART_MS = 1_000;

/**
 * `heliograph demo`: a gateway, a relay and an unmodified three.js program, each in a process of its
 * own, and the link under which a browser shows the program. Runs until a signal, or until one of them
 * fails for good. Resolves with the exit code.
 */
export async function runDemo(): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  // Whoever read what this says is gone: the terminal was closed.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => stop.abort());
  const environment = readGatewayEnvironment();
  const folder = await mkdtemp(path.join(environment.runtimeFolder, "heliograph-demo-"));
  try {
    await startAll(environment, folder, stop.signal);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves when `stop` is aborted and all have ended; throws the sentence of what failed. */
async function startAll(
  environment: GatewayEnvironment,
  folder: string,
  stop: AbortSignal,
): Promise<void> {
  const stateFolder = path.join(environment.stateFolder, "demo");
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  const configFile = path.join(folder, "config.yaml");
  const socket = path.join(folder, "relay.sock");
  const tokenFile = path.join(folder, "guest.token");
  await Promise.all([writeFile(configFile, CONFIG), mkdir(stateFolder, { recursive: true })]);

  await using gateway = new Child(
    "gateway",
    ["serve", "--config", configFile, "--state-dir", stateFolder, "--port", String(await port())],
    say,
  );
  const [url, profile, tokens] = await Promise.all([
    gateway.ready,
    profileForGpu(environment),
    Tokens.open(stateFolder),
  ]);
  const guestClaims = { role: "guest", session: SESSION, profile } as const;
  await writeFile(tokenFile, await tokens.issue(guestClaims, TOKEN_LIFETIME_SECONDS), {
    mode: 0o600,
  });
  const operator = await tokens.issue(
    { role: "control", session: SESSION },
    TOKEN_LIFETIME_SECONDS,
  );
  process.stdout.write(
    `\n  Heliograph shows a three.js program at\n\n    ${viewerLink(url, operator)}\n\n` +
      "  Open it in Chrome, Edge or Safari. Ctrl-C here ends everything.\n\n",
  );

  await using relay = new Child(
    "relay",
    ["relay", "--gateway", url, "--token-file", tokenFile, "--socket", socket],
    say,
  );
  await relay.ready;
  await using program = new Program(socket, profile);
  await Promise.race([stopped, fails(gateway), fails(relay), program.failed]);
}

async function fails(child: Child): Promise<never> {
  throw new Error(await child.ended);
}

/** The three.js program, started again when it ends: with its GPU worker, for example. */
class Program implements AsyncDisposable {
  /** Rejects with a sentence when it does not stay up. */
  readonly failed: Promise<void>;
  readonly #args: readonly string[];
  readonly #closing = new AbortController();
  #child: Child | undefined;

  constructor(socket: string, profile: "hardware" | "software") {
    const sample = fileURLToPath(import.meta.resolve("../public/samples/three-orbit.js"));
    const { width, height } = profile === "software" ? SOFTWARE_SIZE : HARDWARE_SIZE;
    const size = `${width}x${height}`;
    this.#args = ["run", "--socket", socket, "--size", size, "--", "node", sample];
    this.failed = this.#keepRunning();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#child?.close();
    await this.failed.catch(() => {}); // Whoever waited for it has heard.
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#closing;
    let quickEnds = 0;
    while (!signal.aborted) {
      const began = performance.now();
      this.#child = new Child("program", this.#args, (line) => {
        if (!signal.aborted) say(line);
      });
      const end = await this.#child.ended;
      if (signal.aborted) return;
      quickEnds = performance.now() - began < QUICK_END_MS ? quickEnds + 1 : 0;
      if (quickEnds >= MAX_QUICK_ENDS) throw new Error(`${end} It does not stay up.`);
      say(`${end} It is started again.`);
      await delay(RESTART_MS, undefined, { signal }).catch(() => {});
    }
  }
}

async function profileForGpu({
  cacheFolder,
}: GatewayEnvironment): Promise<"hardware" | "software"> {
  const { gpu } = await probeGpu({ wanted: "auto", cacheFolder });
  return gpu?.isSoftware === false ? "hardware" : "software";
}

/** The usual port when it is free, else any. */
async function port(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(0));
    server.listen(PREFERRED_PORT, "127.0.0.1", () => server.close(() => resolve(PREFERRED_PORT)));
  });
}

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}
