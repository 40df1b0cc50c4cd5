import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseGatewayAddress } from "#client/relay/gateway-address.ts";
import { Relay } from "#client/relay/relay.ts";
import { Reporter } from "#client/relay/reporter.ts";
import { loadConfig } from "#server/config/config.ts";
import { readGatewayEnvironment } from "#server/config/env.ts";
import { Gateway } from "#server/main/gateway.ts";
import { type Log, openLog } from "#server/observe/logger.ts";

const HELIOGRAPH = fileURLToPath(new URL("../../bin/heliograph.ts", import.meta.url));
const SESSION = "test";

export type SystemOptions = {
  /** Written to the gateway's config file. */
  readonly config?: Readonly<Record<string, unknown>>;
};

/** A gateway and a relay in this process; programs and GPU workers in their own. */
export class System implements AsyncDisposable {
  readonly gateway: Gateway;
  readonly socket: string;
  readonly #folder: string;
  readonly #relay: Relay;
  readonly #log: Log;
  /** What a worker said of its stages in the last second, for each session, newest last. */
  readonly workerStats: Readonly<Record<string, number>>[];

  private constructor(
    folder: string,
    gateway: Gateway,
    relay: Relay,
    socket: string,
    log: Log,
    workerStats: Readonly<Record<string, number>>[],
  ) {
    this.#folder = folder;
    this.gateway = gateway;
    this.#relay = relay;
    this.socket = socket;
    this.#log = log;
    this.workerStats = workerStats;
  }

  static async start({ config = {} }: SystemOptions = {}): Promise<System> {
    const folder = await mkdtemp(path.join(tmpdir(), "heliograph-system-"));
    const configFile = path.join(folder, "config.yaml");
    await writeFile(configFile, JSON.stringify({ port: 0, logLevel: "warn", ...config }));
    const workerStats: Readonly<Record<string, number>>[] = [];
    const log = openLog("warn", false);
    const gateway = await Gateway.start(
      await loadConfig(readGatewayEnvironment(), { configFile, stateFolder: folder }),
      { logger: log.logger, observer: { workerStats: (_, stages) => workerStats.push(stages) } },
    );
    const token = await gateway.tokens.issue(
      { role: "guest", session: SESSION, profile: "default" },
      3600,
    );
    const socket = path.join(folder, "relay.sock");
    const relay = await Relay.start({
      address: parseGatewayAddress(gateway.url),
      token: () => Promise.resolve(token),
      socketPath: socket,
      reporter: new Reporter((line) => process.stderr.write(`${line}\n`)),
    });
    return new System(folder, gateway, relay, socket, log, workerStats);
  }

  /** `heliograph run -- …` */
  run(...command: readonly string[]): Running {
    return new Running(["run", "--socket", this.socket, "--size", "320x180", "--", ...command]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay.close();
    await this.gateway.close();
    this.#log.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A heliograph command in a process of its own. */
export class Running implements AsyncDisposable {
  /** Lines so far. */
  readonly output: string[] = [];
  readonly complaints: string[] = [];
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #process: ChildProcess;
  #heard: () => void = () => {};

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const child = spawn(process.execPath, [HELIOGRAPH, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env,
    });
    this.#process = child;
    createInterface(child.stdout).on("line", (line) => {
      this.output.push(line);
      this.#heard();
    });
    createInterface(child.stderr).on("line", (line) => this.complaints.push(line));
    // "close" comes when the output has been read to its end.
    this.ended = once(child, "close").then(([code, signal]) => signal ?? code);
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error("The command was not started.");
    return this.#process.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Resolves once a line of the output matches; rejects when the command ends before. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.output.find((each) => pattern.test(each));
      if (line !== undefined) return line;
      const heard = new Promise<undefined>((resolve) => {
        this.#heard = () => resolve(undefined);
      });
      const end = await Promise.race([heard, this.ended]);
      if (end !== undefined && !this.output.some((each) => pattern.test(each))) {
        throw new Error(`The command ended (${end}): ${this.complaints.join(" ")}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.ended;
  }
}
